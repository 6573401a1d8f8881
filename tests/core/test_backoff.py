"""The pauses between tries."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.backoff import CALM, count_start, delay, remaining
from agent.observed import LastStart
from tests.core.observing import NEW, NOW, OLD, ago, started

RETRY = NEW.spec.rollout.retry.backoff


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@pytest.mark.parametrize(
    ("count", "pause"), [(-1, 0), (0, 0), (1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (7, 300), (10_000, 300)]
)
def test_the_pause_grows_to_its_maximum(count: int, pause: int):
    assert delay(count, RETRY) == seconds(pause)


def test_a_factor_of_one_keeps_the_pause():
    steady = RETRY.model_copy(update={"factor": 1.0})

    assert delay(50, steady) == seconds(10)


def test_the_longest_declarable_pause_overflows_nothing():
    day = timedelta(days=1)
    longest = RETRY.model_copy(update={"duration": day / 2, "factor": 10.0, "max_duration": day})

    assert [delay(count, longest) for count in (1, 2, 1000)] == [day / 2, day, day]


def test_the_smallest_factor_reaches_a_far_maximum_before_it_is_cut():
    slow = RETRY.model_copy(update={"duration": seconds(1), "factor": 1.5, "max_duration": timedelta(days=1)})

    assert delay(28, slow) < timedelta(days=1) == delay(30, slow)


def test_what_is_left_of_a_pause_shrinks_to_nothing():
    left = [remaining(ago(age), 2, RETRY, NOW) for age in (0, 15, 20, 21)]

    assert left == [seconds(20), seconds(5), seconds(0), seconds(0)]


def test_a_pause_that_began_in_the_future_is_none():
    assert remaining(ago(-1), 2, RETRY, NOW) == seconds(0)


def test_the_first_start_and_that_of_another_release_count_one():
    first = LastStart(release=NEW.id, at=NOW, count=1)

    assert count_start(None, NEW, NOW) == first
    assert count_start(started(OLD, age=1, count=5), NEW, NOW) == first


def test_the_next_start_of_the_same_release_counts_on():
    assert count_start(started(NEW, age=1, count=5), NEW, NOW) == LastStart(release=NEW.id, at=NOW, count=6)


def test_a_release_that_was_calm_beyond_its_pause_counts_anew():
    pause_and_calm = (seconds(18) + CALM).total_seconds()

    assert count_start(started(NEW, age=pause_and_calm, count=3), NEW, NOW).count == 4
    assert count_start(started(NEW, age=pause_and_calm + 1, count=3), NEW, NOW).count == 1


def test_a_long_pause_is_not_taken_for_calm():
    backoff = NEW.spec.sync.self_heal.backoff.model_copy(
        update={"duration": timedelta(hours=1), "max_duration": timedelta(hours=1)}
    )
    healing = NEW.spec.sync.self_heal.model_copy(update={"backoff": backoff})
    spec = NEW.spec.model_copy(update={"sync": NEW.spec.sync.model_copy(update={"self_heal": healing})})

    assert count_start(started(NEW, age=3600, count=1), replace(NEW, spec=spec), NOW).count == 2
