"""What a look from outside says of a VM."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from agent.smoke import Outcome, Verdict
from agent.status.advance import advance
from agent.status.document import document
from agent.status.memory import Memory
from agent.watching import Level, meant, of_smoke, of_status, worst
from tests.reports import NOW, well
from tests.status_facts import FACTS

WELL, UNSEEN, SILENT, BAD = Level


def told(**fields: Any) -> dict[str, Any]:
    return {**document(well(), advance(Memory(), well()), FACTS), **fields}


def conditions(*held: tuple[str, str, str]) -> dict[str, Any]:
    found = [{"type": kind, "status": status, "reason": reason, "message": "m"} for kind, status, reason in held]
    return told(conditions=found)


@pytest.mark.parametrize(
    ("held", "level", "words"),
    [
        ([("Ready", "True", "Succeeded")], WELL, "is Ready, heard of 0s ago"),
        ([("Ready", "False", "HealthCheckFailed")], BAD, "is not Ready, HealthCheckFailed: m"),
        (
            [("Ready", "False", "ProcessExited"), ("Stalled", "True", "RevisionRejected")],
            BAD,
            "is Stalled, ProcessExited: m",
        ),
        ([("Ready", "False", "Stopped")], WELL, "is stopped on purpose"),
        ([("Ready", "False", "Pinned")], WELL, "is rolled back on purpose"),
        ([("Ready", "Unknown", "Progressing"), ("Reconciling", "True", "Progressing")], WELL, "is in progress"),
        ([("Ready", "Unknown", "Progressing")], UNSEEN, "does not say whether it is Ready"),
    ],
)
def test_each_state_of_a_vm_has_its_level(held: list[tuple[str, str, str]], level: Level, words: str) -> None:
    finding = of_status("status/vm-1", conditions(*held), NOW)

    assert finding.level is level
    assert finding.message.startswith(f"status/vm-1 {words}")


def test_no_word_for_two_heartbeats_is_silence_however_ready_it_was() -> None:
    hours = timedelta(hours=1)
    assert of_status("status/vm-1", told(), NOW + 2 * hours).level is WELL
    finding = of_status("status/vm-1", told(), NOW + 2 * hours + timedelta(seconds=1))
    assert finding.level is SILENT
    assert "was last heard of 2h ago and speaks every 1h; is the VM up" in finding.message
    assert of_status("status/vm-1", conditions(("Ready", "False", "x")), NOW + 3 * hours).level is SILENT


def test_a_word_from_the_future_does_not_count_for_ever() -> None:
    assert of_status("status/vm-1", told(), NOW - timedelta(hours=1)).level is WELL
    finding = of_status("status/vm-1", told(), NOW - timedelta(hours=1, seconds=1))
    assert (finding.level, "timedatectl" in finding.message) == (SILENT, True)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        told(heartbeat=None),
        told(heartbeat={"time": 5, "interval": "1h"}),
        told(heartbeat={"time": "2026-11-23T09:00:00Z", "interval": "99999999999999h"}),
        told(heartbeat={"time": "2026-11-23T09:00:00", "interval": "1h"}),
        told(conditions=[]),
        told(conditions="no"),
        told(conditions=[{"type": "Ready", "status": "False"}]),
    ],
)
def test_a_document_that_cannot_be_read_is_no_look(broken: dict[str, Any]) -> None:
    finding = of_status("status/vm-1", broken, NOW)
    assert (finding.level, "status.json" in finding.message) == (UNSEEN, True)


def test_what_a_document_says_reaches_nobody_raw() -> None:
    nasty = conditions(("Ready", "False", "HealthCheckFailed"))
    nasty["conditions"][0]["message"] = "\033[2J hf_abcdefghijklmnopqrstuv \n" + "x" * 5000

    message = of_status("status/vm-1", nasty, NOW).message

    assert len(message) < 500
    assert not {"\033", "\n"} & set(message)
    assert "hf_" not in message


@pytest.mark.parametrize("outcome", Outcome)
def test_a_smoke_test_is_bad_unless_the_fault_is_on_this_machine(outcome: Outcome) -> None:
    level = of_smoke(Verdict(url="http://a/", outcome=outcome, message="m", hint="h")).level

    assert level is {"Good": WELL, "NoNetwork": UNSEEN, "ProxyFailed": UNSEEN}.get(outcome, BAD)


def test_an_app_that_was_stopped_on_purpose_need_not_answer() -> None:
    down = of_smoke(Verdict(url="http://a/", outcome=Outcome.REFUSED, message="nothing listens"))
    up = of_smoke(Verdict(url="http://a/", outcome=Outcome.GOOD, message="answered"))
    stopped = of_status("status/vm-1", conditions(("Ready", "False", "Stopped")), NOW)
    long_ago = of_status("status/vm-1", conditions(("Ready", "False", "Stopped")), NOW + timedelta(hours=3))
    ready = of_status("status/vm-1", told(), NOW)

    assert meant(down, stopped).level is WELL
    assert meant(down, stopped).message == "http://a/ nothing listens, which is meant"
    assert [meant(down, news).level for news in (long_ago, ready)] == [BAD, BAD]
    assert meant(up, stopped) == up


def test_the_worst_counts_and_each_level_has_its_exit_code() -> None:
    assert worst([]) is WELL
    for one, other in product(Level, repeat=2):
        assert worst([one, other]) is worst([other, one])
        assert worst([one, BAD]) is BAD
        assert worst([one, WELL]) is one
    assert {level: level.code.value for level in Level} == {WELL: 0, UNSEEN: 3, SILENT: 3, BAD: 1}
