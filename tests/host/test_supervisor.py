"""The embedded supervisor as a process: its own life and death, and what is left of it. The rest is in tests/contract."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from agent.errors import Broken, Reason
from agent.host import proc
from agent.host.supervisor import unit_json, wire
from agent.host.supervisor.client import Embedded
from agent.host.supervisor.log import LIMIT
from tests.contract.harness import process_of
from tests.contract.real import RealHarness, ask
from tests.process import Failed, run
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
DEEP = "a-directory-whose-name-alone-is-longer-than-what-the-address-of-a-unix-socket-may-hold-which-is-107-bytes-only"
MODULE = (sys.executable, "-m", "agent.host.supervisor")
SOON = timedelta(seconds=10)

START = """
import os, signal, sys
from tests.contract.real import RealHarness
real = RealHarness(os.environ)
release = real.make_release()
real.run(release)
print(release.spec.service.port, flush=True)
os.killpg(0, signal.SIGKILL)
"""


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealHarness]:
    home = tmp_path / DEEP
    harness = RealHarness(os.environ | {"GITOPS_VM_HOME": str(home), "PLANTED": "canary"})
    yield harness
    harness.end()


def test_it_runs_on_the_standard_library_alone():
    script = f"import sys; sys.path.append({str(ROOT)!r}); import agent.host.supervisor.control"
    run(sys.executable, "-I", "-S", "-c", script)  # -S: no site-packages


def test_looking_starts_nothing(real: RealHarness):
    release = real.make_release()
    assert real.services.processes() == ()
    assert not real.services.is_installed(release)
    real.services.stop(release.id)
    assert real.services.logs(None, 10) == ""
    assert not _directory(real).exists()


def test_the_death_of_what_started_it_leaves_the_app_running(real: RealHarness):
    environ = os.environ | {"GITOPS_VM_HOME": str(real.paths.data), "PYTHONPATH": str(ROOT)}
    with pytest.raises(Failed) as killed:  # with its whole process group, as the daemon does to a worker that hangs
        run(sys.executable, "-c", START, env=environ)
    assert killed.value.code == -signal.SIGKILL
    (process,) = real.services.processes()
    assert proc.listener(int(killed.value.out)) == process.pid


def test_many_clients_at_once_get_one_supervisor(real: RealHarness):
    releases = [real.make_release() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(real.services.install, releases))
        list(pool.map(real.services.start, releases))
    assert {process.release for process in real.services.processes()} == {release.id for release in releases}
    assert len({_parent(process.pid) for process in real.services.processes()}) == 1


def test_a_killed_supervisor_takes_the_app_with_it_and_the_next_one_ends_what_is_left(real: RealHarness):
    release = real.make_release("--child")
    pid = real.run(release)["pid"]
    os.kill(_supervisor(real), signal.SIGKILL)
    wait_for(lambda: not proc.is_running(pid), "the end of the app")
    assert proc.is_listening(release.spec.service.port)  # the child, which nobody told
    assert real.services.processes() == ()
    assert real.run(release)["pid"] != pid
    assert len(real.services.processes()) == 1


@pytest.mark.parametrize("how", ["client", "command", "SIGTERM"])
def test_its_end_is_the_end_of_everything_it_started(real: RealHarness, how: str):
    release = real.make_release("--child", "--deaf", terminationGracePeriodSeconds=1, socketActivation=True)
    pid, supervisor = real.run(release)["pid"], _supervisor(real)
    assert isinstance(real.services, Embedded)
    if how == "client":
        real.services.shutdown()
    elif how == "command":
        run(*MODULE, _directory(real), "shutdown", cwd=ROOT)
    else:
        os.kill(supervisor, signal.SIGTERM)
    wait_for(lambda: not proc.is_running(supervisor), "the end of the supervisor")
    assert not proc.is_running(pid)
    assert not proc.is_listening(release.spec.service.port)


@pytest.mark.parametrize("words", [(), ("--help",), ("here", "dance")])
def test_what_is_no_directory_is_answered_with_the_usage(words: tuple[str, ...], tmp_path: Path):
    with pytest.raises(Failed) as failed:
        run(*MODULE, *words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert (failed.value.code, failed.value.err.split(":")[0]) == (64, "usage")
    assert list(tmp_path.iterdir()) == []


def test_only_its_user_may_talk_to_it(real: RealHarness):
    real.services.install(real.make_release())
    assert stat.S_IMODE((_directory(real) / "control").stat().st_mode) == 0o600
    assert stat.S_IMODE(_directory(real).stat().st_mode) == 0o700


def test_what_it_does_not_understand_it_refuses_and_goes_on(real: RealHarness):
    real.services.install(real.make_release())
    for verb, arguments in [("dance", {}), ("start", {}), ("start", {"release": "nobody"}), ("listen", {"address": 7})]:
        with pytest.raises(wire.RefusedError):
            _ask(real, verb, **arguments)
    assert _ask(real, "list")["instances"] == []


def test_a_damaged_unit_is_refused_by_start_and_healed_by_install(real: RealHarness):
    release = real.make_release()
    real.services.install(release)
    unit_json.path(_directory(real), release.id).write_text("{")
    with pytest.raises(Broken) as refused:
        real.services.start(release)
    assert refused.value.reason is Reason.SERVICE_MANAGER_FAILED
    real.run(release)


def test_one_that_does_not_answer_is_reported_with_the_line_to_type(real: RealHarness):
    real.services.install(real.make_release())
    supervisor = _supervisor(real)
    os.kill(supervisor, signal.SIGSTOP)
    try:
        with pytest.raises(Broken, match="does not answer") as silent:
            real.services.processes()
    finally:
        os.kill(supervisor, signal.SIGCONT)
    assert str(_directory(real)) in silent.value.hint


def test_the_log_is_bounded_and_keeps_the_end(real: RealHarness):
    script = (
        f"for n in range({LIMIT // 20}): print(n, 'x' * 60)\nprint('the end', flush=True)\nimport time; time.sleep(60)"
    )
    release = real.make_release(exec=["python", "-c", f"exec({script!r})"])
    real.services.install(release)
    real.services.start(release)
    wait_for(lambda: "the end" in real.services.logs(release.id, 5), "the last line", within=timedelta(seconds=60))
    assert sum(path.stat().st_size for path in _directory(real).glob("log*")) <= 2 * LIMIT
    assert len(real.services.logs(release.id, 1000).splitlines()) == 1000


def test_nothing_of_the_starters_environment_or_descriptors_reaches_the_app(real: RealHarness):
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    release = real.make_release()
    told = real.run(release)
    assert "canary" not in told["environ"].values()
    assert set(told["environ"]) & {"PYTHONPATH", "GITOPS_VM_HOME"} == set()
    os.close(writer)
    assert os.read(reader, 1) == b""  # nobody else holds the other end
    os.close(reader)


def test_a_program_that_does_not_say_ready_in_time_is_ended_and_started_again(real: RealHarness):
    release = real.make_release(notify=True)
    real.services.install(release)
    path = unit_json.path(_directory(real), release.id)
    path.write_text(path.read_text().replace('"start_timeout": 360.0', '"start_timeout": 0.5'))
    real.services.start(release)
    ended = wait_for(lambda: (each := process_of(real, release)) and each.restarts and each, "a counted restart")
    assert ended.exit == "did not start or stop in time and was ended"


def test_a_stop_during_the_pause_before_a_restart_is_heard(real: RealHarness):
    release = real.make_release()
    real.run(release)
    real.crash(release)
    wait_for(lambda: (each := process_of(real, release)) and each.pid is None, "the pause")
    real.services.stop(release.id)
    assert real.services.processes() == ()
    with pytest.raises(ConnectionRefusedError):
        ask(release)


def _directory(real: RealHarness) -> Path:
    return real.paths.data / "supervisor"


def _supervisor(real: RealHarness) -> int:
    return int((_directory(real) / wire.LOCK).read_text())


def _parent(pid: int | None) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


def _ask(real: RealHarness, verb: str, **arguments: object):
    return wire.ask(_directory(real), verb, deadline=SOON, tick=lambda: None, **arguments)
