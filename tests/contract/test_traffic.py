"""Two launched releases on one held socket, and who comes meanwhile: on real processes only."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event

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
def visitors(release: Release) -> Iterator[list[Future[list[str]]]]:
    """Four of them, each with a new connection for each question, until the block ends."""
    over = Event()

    def visit() -> list[str]:
        seen = []
        while not over.is_set():
            seen.append(ask(release)["release"])
        return seen

    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(visit) for _ in range(4)]
        try:
            yield answers
        finally:
            over.set()
