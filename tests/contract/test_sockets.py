"""The held socket and the port: on real processes only."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from agent.errors import Broken, Reason
from agent.host import proc
from agent.release import Release
from tests.contract.real import RealHarness, ask
from tests.ports import LOOPBACK, free_port


def test_a_connection_waits_while_nothing_runs_and_is_answered_by_the_next_process(real: RealHarness):
    release = real.make_release(socketActivation=True)
    real.services.install(release)
    with socket.create_connection((LOOPBACK, release.spec.service.port), timeout=30) as waiting:
        waiting.sendall(b"GET / HTTP/1.0\r\n\r\n")
        real.services.start(release)
        assert waiting.recv(15) == b"HTTP/1.0 200 OK"


def test_a_switch_behind_the_socket_refuses_nobody(real: RealHarness):
    port = free_port()
    old, new = (real.make_release(flag, socketActivation=True, port=port) for flag in ("--old", "--new"))
    before = real.run(old)
    real.services.install(new)
    real.services.stop(old.id)
    with ThreadPoolExecutor() as pool:
        between = pool.submit(ask, new)
        real.services.start(new)
        after = between.result(timeout=30)
    assert (before["argv"][1:], after["argv"][1:]) == (["--old"], ["--new"])


def test_a_crash_behind_the_socket_refuses_nobody(real: RealHarness):
    release = real.make_release(socketActivation=True)
    first = real.run(release)["pid"]
    real.crash(release)
    real.wait(lambda: not proc.is_running(first), "the end of the first process")
    assert ask(release)["pid"] != first


def test_a_socket_that_is_lost_is_seen_and_held_again(real: RealHarness):
    release, other = real.make_release(socketActivation=True), real.make_release()
    real.services.install(release)
    assert real.services.is_installed(release)
    real.services.install(other)
    assert not real.services.is_installed(release)
    assert not proc.is_listening(release.spec.service.port)
    real.services.install(release)
    assert proc.is_listening(release.spec.service.port)
    assert real.services.is_installed(release)
    assert not real.services.is_installed(other)  # which takes none


def test_another_port_moves_the_socket(real: RealHarness):
    old, new = real.make_release(socketActivation=True), real.make_release(socketActivation=True)
    real.run(old)
    real.services.install(new)
    real.services.stop(old.id)
    assert not proc.is_listening(old.spec.service.port)
    assert real.run(new)["environ"]["LISTEN_FDS"] == "1"


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False)])
def test_one_that_opens_its_port_and_one_that_takes_the_socket_replace_each_other(
    real: RealHarness, before: bool, after: bool
):
    port = free_port()
    old = real.make_release("--old", socketActivation=before, port=port)
    new = real.make_release("--new", socketActivation=after, port=port)
    real.run(old)
    real.services.install(new)  # while the old one still has the port
    assert ask(new)["argv"][1:] == ["--old"]
    real.services.stop(old.id)
    real.services.start(new)
    assert real.answer(new)["argv"][1:] == ["--new"]
    assert real.services.is_installed(new)


@pytest.mark.parametrize("held", [False, True])
def test_a_stranger_on_the_port_is_named_and_left_alone(real: RealHarness, held: bool):
    release = real.make_release(socketActivation=held)
    with stranger_on(release):
        refused = refusal(real.services.install, release)
        assert f"process {proc.listener(release.spec.service.port)} (" in refused
    assert real.services.processes() == ()
    real.run(release)


def test_a_stranger_who_comes_after_the_units_were_installed_is_noticed_before_the_start(real: RealHarness):
    release = real.make_release()
    real.services.install(release)
    assert real.services.is_installed(release)
    with stranger_on(release):
        assert not real.services.is_installed(release)
        refusal(real.services.start, release)
    assert real.services.is_installed(release)
    assert real.services.processes() == ()


@pytest.mark.parametrize(("before", "after"), [(False, False), (False, True), (True, False), (True, True)])
def test_for_a_port_that_a_stranger_has_nothing_of_the_release_that_serves_is_touched(
    real: RealHarness, before: bool, after: bool
):
    old, new = real.make_release(socketActivation=before), real.make_release(socketActivation=after)
    pid = real.run(old)["pid"]
    with stranger_on(new):
        refusal(real.services.install, new)
        assert not real.services.is_installed(new)
        assert real.services.is_installed(old)
        assert ask(old)["pid"] == pid


@contextmanager
def stranger_on(release: Release) -> Iterator[None]:
    with socket.create_server((LOOPBACK, release.spec.service.port)):
        yield


def refusal(ask_for: Callable[[Release], None], release: Release) -> str:
    """What it says of the port that somebody else has."""
    with pytest.raises(Broken) as refused:
        ask_for(release)
    assert refused.value.reason is Reason.PORT_IN_USE
    assert str(release.spec.service.port) in refused.value.message
    return refused.value.message
