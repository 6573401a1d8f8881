"""When somebody is told: every course of events, held to what an operator was promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest

from agent.alarm import MOST, Memory, Notice, Told, compose, due
from agent.watching import Finding, Level

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
COOLDOWN = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
WELL, UNSEEN, SILENT, BAD = Level


@dataclass(frozen=True)
class Heard:
    at: datetime
    notice: Notice


def course(levels: list[Level], step: timedelta, delivered: tuple[bool, ...] = (True,)) -> list[Heard | None]:
    """What one channel hears at each look. `delivered` says of each alert whether it arrives, over and over."""
    memory, heard, alerts = Memory(), [], 0
    for number, level in enumerate(levels):
        now = NOW + number * step
        memory = memory.kept(["slack"], now, COOLDOWN).seen(level, now)
        notice = due(memory, "slack", level, now, COOLDOWN)
        heard.append(None)
        if notice:
            if delivered[alerts % len(delivered)]:
                heard[-1] = Heard(now, notice)
                memory = memory.after("slack", notice, now)
            alerts += 1
        memory = memory.seen(level, now)
    return heard


def words(levels: list[Level], step: timedelta, delivered: tuple[bool, ...] = (True,)) -> list[str]:
    return [each.notice.value if each else "-" for each in course(levels, step, delivered)]


def test_one_alert_when_it_goes_bad_one_per_cool_down_and_one_at_the_end() -> None:
    assert words([WELL, BAD, BAD, BAD, BAD, WELL, WELL], COOLDOWN / 2) == [
        *("-", "Begins", "-", "Lasts", "-", "Ends", "-")
    ]


def test_a_vm_that_is_not_heard_of_is_told_at_once_and_a_look_that_failed_after_a_cool_down() -> None:
    assert words([SILENT, SILENT, SILENT], COOLDOWN / 2) == ["Begins", "-", "Lasts"]
    assert words([UNSEEN, UNSEEN, UNSEEN, WELL], COOLDOWN / 2) == ["-", "-", "Begins", "Ends"]
    assert words([UNSEEN, WELL, UNSEEN, WELL], COOLDOWN) == ["-"] * 4


def test_an_alert_that_did_not_arrive_is_due_again_at_the_next_look() -> None:
    assert words([BAD] * 4, MINUTE, (False, False, True)) == ["-", "-", "Begins", "-"]
    assert words([BAD, WELL, WELL, WELL], MINUTE, (True, False, False, True)) == ["Begins", "-", "-", "Ends"]
    assert words([BAD, WELL], MINUTE, (False,)) == ["-", "-"]  # nobody heard that it began


def test_what_flaps_is_told_so_often_and_then_not_for_a_cool_down() -> None:
    said = words([BAD, WELL] * 60, MINUTE)

    assert said[: 2 * MOST] == ["Begins", "Ends"] * MOST
    assert said[2 * MOST : 60] == ["-"] * (60 - 2 * MOST)
    assert said[60:62] == ["Begins", "Ends"]


@pytest.mark.parametrize("step", [MINUTE, COOLDOWN / 2, COOLDOWN])
@pytest.mark.parametrize("delivered", [(True,), (False, True), (True, False), (True, True, False, False)])
def test_every_course_of_events_keeps_the_promises(step: timedelta, delivered: tuple[bool, ...]) -> None:
    for levels in product((WELL, UNSEEN, BAD), repeat=7):
        heard = course(list(levels), step, delivered)
        told = [each for each in heard if each]
        trouble = [each.at for each in told if each.notice is not Notice.ENDS]

        assert all(sum(at <= each < at + COOLDOWN for each in trouble) <= MOST for at in trouble)
        for before, after in pairwise(told):
            assert (after.notice is Notice.BEGINS) == (before.notice is Notice.ENDS)
            assert after.notice is not Notice.LASTS or after.at - before.at >= COOLDOWN
        assert not told or told[0].notice is Notice.BEGINS
        for level, each in zip(levels, heard, strict=True):
            assert each is None or (each.notice is Notice.ENDS) == (level is WELL)
        if delivered == (True,):
            _hears_at_once(levels, heard)


def _hears_at_once(levels: tuple[Level, ...], heard: list[Heard | None]) -> None:
    """On a channel that works the first trouble is told as it is seen, and the first end of a told one too."""
    first = next((number for number, level in enumerate(levels) if level in {BAD, SILENT}), None)
    if first is None:
        return
    assert any(heard[: first + 1])
    end = next((number for number in range(first, len(levels)) if levels[number] is WELL), None)
    assert end is None or (heard[end] or Heard(NOW, Notice.BEGINS)).notice is Notice.ENDS


def test_a_clock_that_was_set_back_silences_nobody() -> None:
    future = Memory(since=NOW + COOLDOWN, told={"slack": Told(at=(NOW + COOLDOWN,) * MOST, open=False)})

    assert future.seen(BAD, NOW).since == NOW
    assert due(future.seen(BAD, NOW), "slack", BAD, NOW, COOLDOWN) is Notice.BEGINS
    waiting = Memory(since=NOW, told={"slack": Told(at=(NOW + COOLDOWN,), open=True)})
    assert due(waiting, "slack", BAD, NOW, COOLDOWN) is Notice.LASTS


def test_channels_are_told_each_by_itself() -> None:
    memory = Memory().seen(BAD, NOW).after("slack", Notice.BEGINS, NOW)

    assert due(memory, "slack", BAD, NOW + MINUTE, COOLDOWN) is None
    assert due(memory, "telegram", BAD, NOW + MINUTE, COOLDOWN) is Notice.BEGINS
    assert due(memory.seen(WELL, NOW), "telegram", WELL, NOW, COOLDOWN) is None


def test_nothing_is_remembered_of_what_has_long_been_well() -> None:
    memory = Memory().seen(BAD, NOW).after("slack", Notice.BEGINS, NOW)
    later = NOW + MINUTE
    assert memory.seen(WELL, later).since == NOW  # until everybody has heard of the end
    ended = memory.after("slack", Notice.ENDS, later).seen(WELL, later)
    assert ended.since is None
    assert ended.kept(["slack"], later, COOLDOWN).told
    assert ended.kept(["slack"], NOW + COOLDOWN, COOLDOWN) == Memory()
    assert memory.kept(["telegram"], later, COOLDOWN).seen(WELL, later) == Memory()


def test_the_text_says_what_for_how_long_and_why() -> None:
    bad = [Finding(level=BAD, message="http://a/ is down"), Finding(level=WELL, message="status/vm-1 is Ready")]
    since = NOW - timedelta(minutes=90)

    assert compose("vm-1", Notice.BEGINS, bad, NOW, NOW) == "vm-1 is not well\nhttp://a/ is down"
    assert compose("vm-1", Notice.LASTS, bad, since, NOW).splitlines()[0] == "vm-1 is not well, for 1h now"
    assert compose("vm-1", Notice.ENDS, bad[1:], since, NOW) == "vm-1 is well again, after 1h\nstatus/vm-1 is Ready"
    assert compose("vm-1", Notice.BEGINS, [Finding(level=SILENT, message="x")], NOW, NOW).startswith(
        "vm-1 is not heard of any more\n"
    )
    assert compose("vm-1", Notice.BEGINS, [Finding(level=UNSEEN, message="x")], NOW, NOW).startswith(
        "vm-1 cannot be looked at\n"
    )
