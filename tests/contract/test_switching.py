"""Which of two launched releases has the traffic: the same claims on every backend."""

from __future__ import annotations

import pytest

from agent.errors import Transient
from agent.observed import Phase
from agent.release import Release
from tests.contract.harness import Harness, process_of
from tests.ports import free_port


def started(harness: Harness, release: Release, *, accepts: bool) -> None:
    harness.services.install(release)
    harness.services.start(release)
    harness.wait(lambda: is_up(harness, release) and harness.accepts(release) is accepts, "the launcher, ready")


def is_up(harness: Harness, release: Release) -> bool:
    process = process_of(harness, release)
    return process is not None and process.phase is Phase.RUNNING


def both_started(harness: Harness) -> tuple[Release, Release]:
    """The first is current and has the traffic, the second waits."""
    port = free_port()
    old, new = harness.make_launched(port=port), harness.make_launched(port=port)
    harness.make_current(old)
    started(harness, old, accepts=True)
    started(harness, new, accepts=False)
    return old, new


def test_the_release_that_a_reboot_starts_accepts_by_itself_and_another_waits(harness: Harness):
    old, new = both_started(harness)
    assert {each.release for each in harness.services.processes()} == {old.id, new.id}
    assert harness.services.is_installed(old)
    assert harness.services.is_installed(new)


def test_the_traffic_goes_over_and_back_and_one_of_the_two_has_it(harness: Harness):
    old, new = both_started(harness)
    for giver, taker in ((old, new), (new, old)):
        harness.hand_over(taker, (giver,))
        assert (harness.accepts(taker), harness.accepts(giver)) == (True, False)


def test_one_that_was_told_to_rest_accepts_again_only_where_a_restart_finds_it_current(harness: Harness):
    old, new = both_started(harness)
    harness.hand_over(new, (old,))
    harness.make_current(new)
    for release, accepts in ((old, False), (new, True)):
        harness.crash(release)
        harness.wait(lambda: harness.accepts(release) is None, "the end of the old process")  # noqa: B023
        harness.wait(lambda: harness.accepts(release) is accepts, "the next process")  # noqa: B023


def test_one_whose_launcher_does_not_run_says_nothing_and_cannot_be_given_the_traffic(harness: Harness):
    release = harness.make_launched(port=free_port())
    assert harness.accepts(release) is None
    with pytest.raises(Transient, match="does not answer"):
        harness.hand_over(release, ())


def test_the_one_that_gave_the_traffic_away_ends_and_the_other_keeps_it(harness: Harness):
    old, new = both_started(harness)
    harness.hand_over(new, (old,))
    harness.services.stop(old.id)
    assert (harness.accepts(new), harness.accepts(old)) == (True, None)
    assert [each.release for each in harness.services.processes()] == [new.id]
