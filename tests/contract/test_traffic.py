"""Two launched releases on one held socket: on real processes only."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event

import pytest

from agent.errors import Transient
from agent.host import files
from agent.host.traffic import Traffic
from agent.release import Release
from tests.contract.real import RealHarness, ask, launched
from tests.ports import LOOPBACK, free_port


@pytest.fixture
def traffic(real: RealHarness) -> Traffic:
    return Traffic(real.paths)


def started(real: RealHarness, release: Release, *, accepts: bool) -> None:
    traffic = Traffic(real.paths)
    real.services.install(release)
    real.services.start(release)
    real.wait(lambda: traffic.accepts(release.id) is accepts, "the launcher")


def make_current(real: RealHarness, release: Release) -> None:
    files.link(real.paths.current, f"releases/{release.id}")


def both_started(real: RealHarness) -> tuple[Release, Release]:
    """The first is current and has the traffic, the second waits."""
    port = free_port()
    old, new = launched(real, port=port), launched(real, port=port)
    make_current(real, old)
    started(real, old, accepts=True)
    started(real, new, accepts=False)
    return old, new


def test_the_release_that_a_reboot_starts_accepts_by_itself_and_another_waits(real: RealHarness, traffic: Traffic):
    old, new = both_started(real)
    assert {ask(old)["release"] for _ in range(20)} == {old.id}
    assert {each.release for each in real.services.processes()} == {old.id, new.id}


def test_before_anything_is_promoted_who_comes_is_told_so_until_the_release_accepts(
    real: RealHarness, traffic: Traffic
):
    release = launched(real, port=free_port())
    real.paths.current.unlink(missing_ok=True)
    started(real, release, accepts=False)
    with closing(http.client.HTTPConnection(LOOPBACK, release.spec.service.port, timeout=10)) as visitor:
        visitor.request("GET", "/")
        answer = visitor.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.read().startswith(b"No version of the app has been healthy here yet")
    make_current(real, release)
    traffic.hand_over(release.id, [])
    assert {ask(release)["release"] for _ in range(20)} == {release.id}


def test_the_traffic_goes_over_and_back_without_a_failed_request(real: RealHarness, traffic: Traffic):
    old, new = both_started(real)
    with visitors(old) as answers:
        for giver, taker in ((old, new), (new, old)) * 3:
            traffic.hand_over(taker.id, [giver.id])
            assert (traffic.accepts(taker.id), traffic.accepts(giver.id)) == (True, False)
            assert {ask(old)["release"] for _ in range(20)} == {taker.id}
    assert {answer for each in answers for answer in each.result()} == {old.id, new.id}


def test_one_that_has_the_traffic_ends_without_a_failed_request(real: RealHarness, traffic: Traffic):
    old, new = both_started(real)
    with visitors(old) as answers:
        traffic.hand_over(new.id, [old.id])
        real.services.stop(old.id)
        assert {each.release for each in real.services.processes()} == {new.id}
    assert all(each.result() for each in answers)


def test_after_a_crash_the_current_release_accepts_again(real: RealHarness, traffic: Traffic):
    release = launched(real, port=free_port())
    make_current(real, release)
    started(real, release, accepts=True)
    before = ask(release)["pid"]
    real.crash(release)
    assert ask(release)["pid"] != before


def test_a_launcher_that_does_not_run_cannot_be_given_the_traffic(real: RealHarness, traffic: Traffic):
    release = launched(real, port=free_port())
    assert traffic.accepts(release.id) is None
    with pytest.raises(Transient, match="does not answer"):
        traffic.hand_over(release.id, [])


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
