"""How a release took the place of the one before, and how long nobody answered: in the events and in the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agent import ledger
from agent.desired import parse
from agent.ledger import Ledger
from agent.observed import Process
from agent.report import Report
from agent.status.advance import advance
from agent.status.document import document
from agent.status.memory import Memory
from agent.status.publication import publication
from agent.status.read import render
from agent.steps import Manner, Retire, Start, Way
from tests.reports import MINIMAL, NOW, observed, probe, process, rejected, release, report, started, well
from tests.status_checker import check
from tests.status_facts import FACTS

OLD, NEW = release("a"), release("b")
RESTART = Manner(Way.RESTART, "a program that opens its port itself")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def stopped(*, interrupts: bool = True) -> Report:
    """OLD, which answered, is told to stop at 0.5 s; NEW is started at 0.7 s and has not answered at 0.8 s."""
    before = observed(OLD, NEW, running=process(OLD), confirmed=OLD)
    waking = process(NEW, since=at(0.7), started=False, readiness=probe(ok=False, at=at(0.8)), liveness=None)
    after = replace(
        before, processes=(waking,), last_start=started(NEW, at=at(0.7)), interrupted=at(0.5) if interrupts else None
    )
    done = (Retire(OLD.id, "gives way", interrupts=interrupts), Start(NEW, f"declared; {RESTART}", RESTART))
    return report(NEW, before, at=at(0.4), after=after, done=done)


def answers(seconds: float, of: Process | None = None, **fields: Any) -> Report:
    """NEW answers well for the first time, at that time."""
    up = of or process(NEW, since=at(0.7), readiness=probe(at=at(seconds)))
    last = {"last_start": started(NEW, at=at(0.7)), "interrupted": at(0.5), "current": NEW.id, "promoted": at(seconds)}
    return report(NEW, observed(OLD, NEW, running=up, confirmed=OLD, **(last | fields)), at=at(seconds))


def story(*passes: Report) -> tuple[Memory, dict[str, Any]]:
    memory, previous = Memory(), None
    for each in (well(), *passes):
        memory = advance(memory, each)
        now = document(each, memory, FACTS)
        check(now, previous)
        previous = now
    assert previous
    return memory, previous


def messages(memory: Memory) -> list[str]:
    return [event.message for event in memory.events]


def test_how_a_release_took_over_and_why_is_in_the_events_and_in_its_entry():
    memory, told = story(stopped(), answers(1.9))
    assert f"started main@sha1:bbbbbbbb: declared; {RESTART}" in messages(memory)
    assert (told["history"][0]["strategy"], told["history"][0]["strategyReason"]) == ("restart", RESTART.why)
    assert (told["history"][1]["strategy"], told["history"][1]["outage"]) == (None, None)

    page = publication(told, memory.events, at(2), ()).files["README.md"]
    assert r"| restart\: a program that opens its port itself | 0.1s to 1.4s |" in page
    assert "restart  0.1s to 1.4s" in render(told, at(2))


def test_how_it_took_over_stays_when_it_is_healed_later():
    heal = report(NEW, observed(NEW, confirmed=NEW), at=at(60), done=(Start(NEW, "the service is down"),))
    _, told = story(stopped(), answers(1.9), heal)
    assert told["history"][0]["strategy"] == "restart"


def test_from_the_word_to_stop_to_the_first_good_answer_nobody_answered_and_both_ends_of_what_is_known_are_told():
    memory, told = story(stopped(), answers(1.9), answers(7))
    assert told["history"][0]["outage"] == {"atLeast": "0.1s", "atMost": "1.4s", "visitors": "refused"}
    assert [each for each in messages(memory) if "answered for" in each] == [
        "nobody answered for 0.1 to 1.4 s while one release gave way to another"
    ]


def test_behind_the_held_socket_visitors_waited_until_it_was_given_the_traffic():
    hosted = replace(NEW, spec=parse(MINIMAL.replace("exec: python -m app", 'asgi: "app:app"').encode(), host="vm-1"))
    ready, given = (
        process(hosted, since=at(0.7), accepts=accepts, readiness=probe(at=at(seconds)))
        for accepts, seconds in ((False, 1.9), (True, 2.5))
    )
    facts = {"confirmed": OLD, "interrupted": at(0.5), "last_start": started(hosted, at=at(0.7))}
    passes = [report(hosted, observed(OLD, hosted, running=up, **facts), at=at(2)) for up in (ready, given)]
    memory, told = story(*passes)
    assert told["history"][0]["outage"] == {"atLeast": "1.2s", "atMost": "2s", "visitors": "waited"}
    assert any("visitors waited for 1.2 to 2.0 s" in each for each in messages(memory))


def test_an_outage_outlives_the_worker_and_the_memory_of_the_status():
    known = Ledger().interrupt(at(0.5))
    assert ledger.from_json(known.to_json()).interrupted == at(0.5)

    memory, told = story(answers(1.9))  # the pass that stopped it died before it could report
    assert told["history"][0]["outage"]["atMost"] == "1.4s"
    assert any("nobody answered for at most 1.4 s" in each for each in messages(memory))


@pytest.mark.parametrize(
    "later",
    [answers(86400), answers(1.9, process(NEW, since=at(0.2), readiness=probe(at=at(1.9))))],
    ids=["it has answered for a day", "it ran before"],
)
def test_nothing_is_guessed_about_an_outage_whose_end_nobody_saw(later: Report):
    memory, told = story(later)
    assert told["history"][0]["outage"] is None
    assert not any("answered for" in each for each in messages(memory))


def test_a_release_that_fails_and_gives_way_again_has_the_whole_outage():
    back = process(OLD, since=at(11), readiness=probe(at=at(12.5)))
    facts = {"rejected": rejected(NEW, at(10)), "last_start": started(OLD, at=at(11)), "interrupted": at(0.5)}
    returned = report(NEW, observed(OLD, NEW, running=back, confirmed=OLD, **facts), at=at(12.5))
    _, told = story(stopped(), returned)
    assert told["history"][0]["status"] == "HealthCheckFailed"
    assert told["history"][0]["outage"] == {"atLeast": "0s", "atMost": "12s", "visitors": "refused"}


def test_where_nobody_was_interrupted_no_outage_is_told():
    handed = stopped(interrupts=False)
    up = process(NEW, since=at(0.7), readiness=probe(at=at(1.9)))
    _, told = story(handed, answers(1.9, up, interrupted=None))
    assert told["history"][0]["outage"] is None
