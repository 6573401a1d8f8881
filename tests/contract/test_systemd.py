"""What only systemd has: unit files that it must understand, and a boot unit that works without the agent.

Collected with --backend=systemd only.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from agent.observed import Phase
from agent.release import Release
from tests.contract.harness import process_of
from tests.contract.real import RealHarness, ask
from tests.ports import LOOPBACK
from tests.process import Failed, run
from tests.waiting import wait_for


@pytest.fixture
def promoted(real: RealHarness) -> Iterator[Release]:
    release = real.make_release(socketActivation=True)
    real.services.install(release)
    _promote(real, release)
    yield release
    real.paths.current.unlink()


def test_systemd_understands_every_line_of_every_unit(real: RealHarness):
    program = real.paths.data / "agent" / "current" / "bin" / "gitops-vm"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    release = real.make_release("100%", "$HOME", socketActivation=True, notify=True, watchdog="30s")
    real.services.install(release)
    static = ("gitops-agent.service", "gitops-app-boot.service", "gitops-app-wake.service", "gitops-app.socket")
    units = (*static, f"gitops-app@{release.id}.service")
    # It exits 0 on a key it does not know: what it prints is what counts.
    assert run("sh", "-c", 'systemd-analyze --user verify "$@" 2>&1', "sh", *units) == ""


def test_an_instance_without_its_drop_in_is_refused(real: RealHarness):
    real.services.install(real.make_release())
    with pytest.raises(Failed):
        run("systemctl", "--user", "start", "gitops-app@trial-000000000000.service")


def test_an_override_of_an_instance_is_drift_and_one_of_the_template_is_the_operators(real: RealHarness):
    release = real.make_release()
    real.services.install(release)
    template = real.paths.units / "gitops-app@.service.d" / "override.conf"
    instance = real.paths.units / f"gitops-app@{release.id}.service.d" / "override.conf"
    for path in (template, instance):
        path.parent.mkdir(exist_ok=True)
        path.write_text("[Service]\nNice=5\n")
    assert not real.services.is_installed(release)
    real.services.install(release)
    assert real.services.is_installed(release)
    assert (template.exists(), instance.exists()) == (True, False)
    template.unlink()


def test_a_unit_whose_file_is_right_and_not_yet_read_is_not_installed(real: RealHarness):
    release = real.make_release()
    real.run(release)  # what does not run is read anew whenever it is asked for
    drop_in = real.paths.units / f"gitops-app@{release.id}.service.d" / "release.conf"
    text = drop_in.read_text()
    drop_in.write_text(text + "Nice=5\n")
    run("systemctl", "--user", "daemon-reload")
    drop_in.write_text(text)
    assert not real.services.is_installed(release)
    real.services.install(release)
    assert real.services.is_installed(release)


def test_a_visitor_revives_the_current_release_without_the_agent(real: RealHarness, promoted: Release):
    assert real.services.processes() == ()
    assert ask(promoted)["environ"]["RELEASE"] == promoted.id


def test_a_visitor_of_a_stopped_app_waits_and_the_manager_does_not_spin(real: RealHarness, promoted: Release):
    stopped = real.paths.state / "stopped"
    stopped.parent.mkdir(exist_ok=True)
    stopped.touch()
    before = _wakes()
    with closing(socket.create_connection((LOOPBACK, promoted.spec.service.port), timeout=30)) as visitor:
        visitor.sendall(b"GET / HTTP/1.0\r\n\r\n")
        wait_for(lambda: _wakes() >= before + 2, "the second look of the boot unit")
        assert _wakes() < before + 10
        assert real.services.processes() == ()
        stopped.unlink()
        assert visitor.recv(15) == b"HTTP/1.0 200 OK"


@pytest.mark.usefixtures("agent")
def test_a_visitor_of_a_stopped_app_is_told_so_and_gets_the_app_once_it_may_start(real: RealHarness, promoted: Release):
    stopped = real.paths.state / "stopped"
    stopped.parent.mkdir(exist_ok=True)
    stopped.touch()
    with closing(http.client.HTTPConnection(LOOPBACK, promoted.spec.service.port, timeout=30)) as visitor:
        visitor.request("GET", "/")
        answer = visitor.getresponse()
        assert (answer.status, answer.read()) == (503, b"The app was stopped.\n")
    stopped.unlink()
    said = wait_for(lambda: ask(promoted), "an answer of the app", unless=(ValueError,))
    assert said["environ"]["RELEASE"] == promoted.id


def test_visitors_of_a_crashing_release_neither_hurry_it_nor_close_the_port(real: RealHarness, promoted: Release):
    crashing = real.make_release("--crash", socketActivation=True, port=promoted.spec.service.port)
    real.services.install(crashing)
    _promote(real, crashing)
    with closing(socket.create_connection((LOOPBACK, promoted.spec.service.port), timeout=30)) as visitor:
        visitor.sendall(b"GET / HTTP/1.0\r\n\r\n")
        wait_for(lambda: (each := process_of(real, crashing)) and each.restarts >= 3, "a third restart")
        pauses = [each.phase for each in real.services.processes()]
        assert pauses == [Phase.ACTIVATING]
        real.services.stop(crashing.id)
        _promote(real, promoted)
        assert visitor.recv(15) == b"HTTP/1.0 200 OK"


def _promote(real: RealHarness, release: Release) -> None:
    real.paths.current.unlink(missing_ok=True)
    real.paths.current.symlink_to(f"releases/{release.id}")


def _wakes() -> int:
    """How often the unit that visitors wake began its work, by the manager's journal."""
    return run("journalctl", "--user", "--quiet", "--user-unit=gitops-app-wake.service").count(
        "Starting gitops-app-wake"
    )
