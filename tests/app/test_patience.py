"""The pure parts of api mode: when the service is asked again, what is remembered, what its headers mean."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.backends.breaker import ENOUGH, Breaker
from app.backends.words import DOWN, OF_STATUS, REFUSED_TEXT, failure, parse_retry_after
from app.memory import ENTRIES, LIFETIME, SIZE, Memory
from app.moods import Failure, mood

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ask(breaker: Breaker, outcome: Failure | None) -> bool:
    """Whether the question got through to the service, which answers so."""
    got_through = False
    with suppress(Failure), breaker.watch():
        got_through = True
        if outcome is not None:
            raise outcome
    return got_through


def test_after_three_failures_in_a_row_nobody_gets_through_until_the_rest_is_over(clock: Clock) -> None:
    breaker = Breaker(clock)
    assert [ask(breaker, failure(DOWN)) for _ in range(ENOUGH + 2)] == [True] * ENOUGH + [False] * 2
    clock.seconds += 1.9
    assert not ask(breaker, None)
    clock.seconds += 0.2
    assert ask(breaker, None)
    assert ask(breaker, None)
    assert breaker.up


def test_an_answer_between_failures_starts_the_count_anew(clock: Clock) -> None:
    breaker = Breaker(clock)
    outcomes = [failure(DOWN), failure(DOWN), None] * 4
    assert all(ask(breaker, outcome) for outcome in outcomes)


def test_each_failed_probe_doubles_the_rest_up_to_a_minute(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(ENOUGH):
        ask(breaker, failure(DOWN))
    for rest in (2, 4, 8, 16, 32, 60, 60):
        clock.seconds += rest - 0.1
        assert not ask(breaker, failure(DOWN)), rest
        clock.seconds += 0.2
        assert ask(breaker, failure(DOWN)), rest


def test_one_probe_is_under_way_at_a_time(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(ENOUGH):
        ask(breaker, failure(DOWN))
    clock.seconds += 10
    with breaker.watch():
        assert not ask(breaker, None)
    assert ask(breaker, None)


def test_whoever_is_refused_hears_the_cause_and_the_times(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(ENOUGH):
        ask(breaker, failure(DOWN))
    clock.seconds += 0.5
    with pytest.raises(Failure, match=r"does not answer.*for 1 s; the next try is in 2 s") as told, breaker.watch():
        pass
    assert (told.value.reason, told.value.status, told.value.passing) == ("UpstreamDown", 502, True)
    assert told.value.retry_after == timedelta(seconds=1.5)


def test_the_service_s_own_word_counts_at_once(clock: Clock) -> None:
    breaker = Breaker(clock)
    assert ask(breaker, failure(OF_STATUS[429], timedelta(seconds=30)))
    clock.seconds += 29
    assert not ask(breaker, None)
    clock.seconds += 1
    assert ask(breaker, None)


def test_a_text_that_is_refused_says_nothing_about_the_service(clock: Clock) -> None:
    breaker = Breaker(clock)
    assert all(ask(breaker, failure(REFUSED_TEXT)) for _ in range(ENOUGH * 2))
    assert breaker.state().state == "up"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5),
        (" 0 ", 0),
        ("86400", 300),
        ("9" * 400, 300),
        (format_datetime(NOW + timedelta(seconds=40), usegmt=True), 40),
        (format_datetime(NOW - timedelta(seconds=40), usegmt=True), 0),
        ("Thu, 26 Nov 2026 12:00:07 -0000", 7),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Thu, 26 Nov 99999999999999999999 12:00:07 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_five_minutes(
    header: str | None, seconds: float | None
) -> None:
    assert parse_retry_after(header, NOW) == (None if seconds is None else timedelta(seconds=seconds))


def answer(source: str = "api") -> object:
    return mood({"joy": 1.0}, took=timedelta(seconds=1), source=source)


def test_only_answers_of_the_service_are_remembered_and_for_an_hour_only(clock: Clock) -> None:
    memory = Memory(clock)
    memory.keep("far", answer())
    memory.keep("near", answer("onnx"))
    clock.seconds += LIFETIME.total_seconds()
    remembered = memory.recall("far")
    assert remembered is not None
    assert (remembered.cached, remembered.took) == (True, timedelta())
    assert memory.recall("near") is None
    clock.seconds += 1
    assert memory.recall("far") is None


def test_what_was_used_longest_ago_is_forgotten_first(clock: Clock) -> None:
    memory = Memory(clock)
    for number in range(ENTRIES):
        memory.keep(str(number), answer())
    assert memory.recall("0")
    memory.keep("one more", answer())
    assert memory.recall("0")
    assert memory.recall("1") is None
    assert memory.recall("2")


def test_long_texts_take_the_room_of_many(clock: Clock) -> None:
    memory = Memory(clock)
    memory.keep("é" * (SIZE // 4), answer())
    memory.keep("a" * (SIZE // 2), answer())
    assert memory.recall("é" * (SIZE // 4))
    memory.keep("b", answer())
    assert memory.recall("a" * (SIZE // 2)) is None
    memory.keep("c" * (SIZE + 1), answer())
    assert memory.recall("b")
