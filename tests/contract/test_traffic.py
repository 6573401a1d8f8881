"""Launched releases on one held socket, and who comes meanwhile: on real processes only."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event

from agent.host import proc
from agent.release import Release
from tests.contract.real import RealHarness, ask
from tests.contract.test_switching import both_started, started
from tests.ports import LOOPBACK, free_port


def test_before_anything_is_promoted_who_comes_is_told_so_until_the_release_accepts(real: RealHarness):
    release = real.make_launched(port=free_port())
    real.paths.current.unlink(missing_ok=True)
    started(real, release, accepts=False)
    with closing(http.client.HTTPConnection(LOOPBACK, release.spec.service.port, timeout=10)) as visitor:
        visitor.request("GET", "/")
        answer = visitor.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.read().startswith(b"No version of the app has been healthy here yet")
    real.make_current(release)
    real.hand_over(release, ())
    assert {ask(release)["release"] for _ in range(20)} == {release.id}


def test_the_traffic_goes_over_and_back_without_a_failed_request(real: RealHarness):
    old, new = both_started(real)
    with visitors(old) as answers:
        for giver, taker in ((old, new), (new, old)) * 3:
            real.hand_over(taker, (giver,))
            assert (real.accepts(taker), real.accepts(giver)) == (True, False)
            assert {ask(old)["release"] for _ in range(20)} == {taker.id}
    assert {answer for each in answers for answer in each.result()} == {old.id, new.id}


def taking(real: RealHarness, *flags: str, port: int) -> Release:
    """A program that takes the socket itself, and is handed over."""
    return real.make_release(*flags, strategy="handover", socketActivation=True, notify=bool(flags), port=port)


def test_an_app_and_programs_that_take_the_socket_themselves_take_turns(real: RealHarness):
    port = free_port()
    app, program, speaker = real.make_launched(port=port), taking(real, port=port), taking(real, "--ready", port=port)
    real.make_current(app)
    started(real, app, accepts=True)
    for each in (program, speaker):
        started(real, each, accepts=False)
    with visitors(app, "pid") as answers:
        turns = []
        for giver, taker in ((app, program), (program, speaker), (speaker, app)):
            real.hand_over(taker, (giver,))
            turns.append({ask(app)["pid"] for _ in range(20)})
    assert [len(turn) for turn in turns] == [1, 1, 1]
    assert {pid for each in answers for pid in each.result()} == set.union(*turns)
    assert len(set.union(*turns)) == 3


def test_a_crash_of_a_program_that_was_handed_over_is_its_release_s_crash(real: RealHarness):
    release = taking(real, port=free_port())
    real.make_current(release)
    started(real, release, accepts=True)
    (running,), before = real.services.processes(), ask(release)
    assert before["environ"]["LISTEN_PID"] == str(before["pid"])
    os.kill(before["pid"], signal.SIGKILL)
    real.wait(lambda: not proc.is_running(running.pid or 0), "the end of the launcher")
    assert ask(release)["pid"] != before["pid"]
    (process,) = real.services.processes()
    assert process.restarts == 1
    real.services.stop(release.id)
    assert not real.services.processes()


def test_one_that_has_the_traffic_ends_without_a_failed_request(real: RealHarness):
    old, new = both_started(real)
    with visitors(old) as answers:
        real.hand_over(new, (old,))
        real.services.stop(old.id)
        assert {each.release for each in real.services.processes()} == {new.id}
    assert all(each.result() for each in answers)


def test_after_a_crash_the_current_release_accepts_again(real: RealHarness):
    release = real.make_launched(port=free_port())
    real.make_current(release)
    started(real, release, accepts=True)
    before = ask(release)["pid"]
    real.crash(release)
    assert ask(release)["pid"] != before


@contextmanager
def visitors(release: Release, what: str = "release") -> Iterator[list[Future[list[str]]]]:
    """Four of them, each with a new connection for each question, until the block ends."""
    over = Event()

    def visit() -> list[str]:
        seen = []
        while not over.is_set():
            seen.append(ask(release)[what])
        return seen

    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(visit) for _ in range(4)]
        try:
            yield answers
        finally:
            over.set()
