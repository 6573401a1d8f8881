"""A document over time: history, counters, events, what makes a commit, and the exit code a reader draws from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agent.errors import Reason, Stalled, Transient
from agent.observed import Pause
from agent.report import Report
from agent.status.advance import REMEMBERED, advance
from agent.status.document import document
from agent.status.events import MOST
from agent.status.exit_code import Code, exit_code
from agent.status.facts import Facts, Ssh
from agent.status.memory import Memory, Published
from agent.status.publication import BLIP, is_due, publication, significant
from agent.status.read import render
from agent.status.wire import duration, instant, read_duration, read_instant
from agent.steps import Build, Confirm, Prune, Reject, Start
from tests.reports import NOW, observed, probe, process, rejected, release, report, revision, started, well
from tests.status_checker import check
from tests.status_facts import FACTS

OLD, NEW = release("a"), release("b")
UNREACHABLE = Transient(Reason.GIT_OPERATION_FAILED, "no answer")
HOUR = timedelta(hours=1)


def told(memory: Memory, pass_: Report) -> tuple[Memory, dict[str, Any]]:
    after = advance(memory, pass_)
    return after, document(pass_, after, FACTS)


def rollout() -> list[Report]:
    """`b` replaces `a`, is sick, and `a` returns; every five seconds a pass."""
    times = [NOW + timedelta(seconds=5 * number) for number in range(6)]
    both = observed(OLD, NEW, running=process(OLD), confirmed=OLD)
    starting = process(NEW, since=times[2], started=False, readiness=None, liveness=None)
    on_trial = replace(both, processes=(starting,), last_start=started(NEW, at=times[2]))
    back = replace(both, rejected=rejected(NEW, times[3]))
    return [
        well(at=times[0]),
        report(
            NEW, observed(OLD, running=process(OLD), confirmed=OLD), at=times[1], after=both, done=(Build(NEW, "new"),)
        ),
        report(NEW, both, at=times[2], after=on_trial, done=(Start(NEW, "declared"),)),
        report(NEW, replace(back, processes=()), at=times[3], done=(Reject(NEW, Reason.HEALTH_CHECK_FAILED, "500"),)),
        report(NEW, replace(back, processes=()), at=times[4], after=back, done=(Start(OLD, "the service is down"),)),
        report(NEW, back, at=times[5]),
    ]


def test_the_invariants_hold_after_every_pass_of_a_rollout():
    memory, previous = Memory(), None
    for each in rollout():
        memory, now = told(memory, each)
        check(now, previous)
        previous = now
    assert previous["health"] == "Healthy"
    assert previous["sync"] == "OutOfSync"
    assert previous["lastAttemptedRevision"] == revision("b")
    assert previous["lastAppliedRevision"] == previous["activeRevision"] == revision("a")
    assert previous["counters"] == {"rollbacks": 1, "selfHeals": 0, "fetchFailures": 0, "statusPushFailures": 0}


def test_the_history_says_what_became_of_each_revision_and_how_long_it_took():
    memory = Memory()
    for each in rollout():
        memory = advance(memory, each)
    newest, before = memory.history
    assert (newest.revision, newest.status, newest.total) == (revision("b"), Reason.HEALTH_CHECK_FAILED, 5)
    assert newest.duration == timedelta(seconds=10)
    assert (before.revision, before.status, before.total) == (revision("a"), Reason.RECONCILIATION_SUCCEEDED, 1)


def test_a_revision_that_proved_healthy_stays_so_in_the_history_while_it_is_healed():
    down = observed(OLD, confirmed=OLD)
    up = replace(down, processes=(process(OLD, since=NOW, started=False, readiness=None, liveness=None),))
    healing = report(OLD, down, after=up, at=NOW + HOUR, done=(Start(OLD, "the service is down"),))
    memory = advance(advance(Memory(), well()), healing)
    assert next(each for each in memory.conditions if each.type == "Ready").status == "Unknown"
    assert [(each.status, each.total) for each in memory.history] == [(Reason.RECONCILIATION_SUCCEEDED, 2)]


def test_the_generation_is_observed_once_there_is_a_verdict():
    memory, seen = Memory(), []
    for each in rollout():
        memory = advance(memory, each)
        seen.append((memory.generation, memory.observed_generation))
    assert seen == [(1, 1), (2, 1), (2, 1), (2, 2), (2, 2), (2, 2)]


def test_a_failed_fetch_says_nothing_about_the_revision():
    memory = advance(Memory(), well())
    memory = advance(memory, well(error=UNREACHABLE, at=NOW + HOUR))
    assert [entry.status for entry in memory.history] == [Reason.RECONCILIATION_SUCCEEDED]
    assert memory.counters.fetch_failures == 1
    assert document(well(error=UNREACHABLE), memory, FACTS)["sync"] == "Unknown"


def test_an_invalid_revision_is_attempted_and_has_its_place_in_the_history():
    broken = replace(
        well(), fetched=replace(well().fetched, revision=revision("c")), invalid=Stalled(Reason.INVALID_SPEC, "line 7")
    )
    memory, now = told(advance(Memory(), well()), broken)
    assert now["lastAttemptedRevision"] == revision("c")
    assert now["activeRevision"] == revision("a")
    assert memory.history[0].status is Reason.INVALID_SPEC


def test_name_and_mode_are_those_of_what_runs_not_of_a_revision_that_was_rejected():
    bad = replace(NEW, spec=NEW.spec.model_copy(update={"app": "moods", "mode": "local"}))
    kept = observed(OLD, bad, running=process(OLD), confirmed=OLD, rejected=rejected(bad))
    memory, now = told(advance(Memory(), well()), report(bad, kept))
    made = publication(now, memory.events, NOW, ())

    assert (now["app"], now["mode"], now["activeRevision"]) == ("mood", "api", revision("a"))
    assert "running in mode `api`" in made.files["README.md"]
    assert "mode api" in render(now, NOW)
    assert made.subject.startswith("mood: Ready=False")


def test_where_nothing_runs_there_is_a_name_and_no_mode():
    _, now = told(Memory(), report(NEW, observed(NEW, stopped=True)))
    assert (now["app"], now["mode"], now["activeRevision"]) == ("mood", None, None)


def test_nothing_is_attempted_while_suspended():
    paused = Pause(reason="", by="ada", since=NOW)
    pushed = report(NEW, observed(OLD, running=process(OLD), confirmed=OLD, paused=paused))
    memory, now = told(advance(Memory(), well()), pushed)
    assert now["lastAttemptedRevision"] == revision("a")
    assert [entry.revision for entry in memory.history] == [revision("a")]
    assert now["suspend"] is True


def test_the_events_tell_the_rollout_once_each():
    memory = Memory()
    for each in (*rollout(), *rollout()[-1:]):
        memory = advance(memory, each)
    assert [(event.severity.value, event.message) for event in memory.events] == [
        ("info", "main@sha1:aaaaaaaa is running: GET / answered 200"),
        ("info", "built main@sha1:bbbbbbbb"),
        ("info", "started main@sha1:bbbbbbbb: declared"),
        ("error", "rejected main@sha1:bbbbbbbb: 500"),
        (
            "error",
            "not started within 60 s: GET / answered 500 at main@sha1:bbbbbbbb; going back to main@sha1:aaaaaaaa",
        ),
        ("info", "started main@sha1:aaaaaaaa: the service is down"),
    ]


def test_each_outage_has_a_beginning_and_an_end():
    memory = advance(Memory(), well())
    for each in (well(error=UNREACHABLE), well(error=UNREACHABLE), well()) * 2:
        memory = advance(memory, each)
    running = "main@sha1:aaaaaaaa is running: GET / answered 200"
    outage = ["no answer; main@sha1:aaaaaaaa is running", running, "the source answers again"]
    assert [event.message for event in memory.events] == [running, *outage, *outage]


def test_history_and_events_are_bounded():
    memory = Memory()
    for number in range(MOST + 50):
        named = replace(well().fetched, revision=f"main@sha1:{number:040x}")
        memory = advance(memory, replace(well(), fetched=named, invalid=Stalled(Reason.INVALID_SPEC, f"line {number}")))
    assert len(memory.history) == REMEMBERED
    assert len(memory.events) == MOST
    check(document(well(), memory, FACTS) | {"sync": "OutOfSync"})


def _digest(pass_: Report, memory: Memory | None = None) -> str:
    return significant(told(memory or Memory(), pass_)[1])


def test_a_latency_a_count_or_a_message_alone_makes_no_commit():
    memory = advance(Memory(), well())
    slower = process(
        OLD, readiness=replace(probe(), latency=timedelta(seconds=1), message="GET / answered 204"), memory=1
    )
    later = report(OLD, observed(OLD, running=slower, confirmed=OLD), at=NOW + HOUR)
    assert _digest(later, memory) == _digest(well(), memory)


@pytest.mark.parametrize("change", [
    well(error=UNREACHABLE), well("b"), well(invalid=Stalled(Reason.INVALID_SPEC, "line 7")),
    report(OLD, observed(OLD, confirmed=OLD)), report(OLD, observed(OLD, running=process(OLD), confirmed=OLD, rejected=rejected(NEW))),
], ids=["fetch", "revision", "invalid", "down", "rejected"])  # fmt: skip
def test_a_change_of_conditions_revisions_or_history_makes_a_commit(change: Report):
    memory = advance(Memory(), well())
    assert _digest(change, memory) != _digest(well(), memory)


SSH, VM = FACTS.ssh, FACTS.machine


@pytest.mark.parametrize("facts", [
    replace(FACTS, ssh=replace(SSH, password_authentication=True)), replace(FACTS, ssh=replace(SSH, authorized_keys=())),
    replace(FACTS, ssh=replace(SSH, weak=())), replace(FACTS, ssh=Ssh(checked=NOW, message="no answer")),
    replace(FACTS, machine=replace(VM, memory_max=True)), replace(FACTS, machine=None),
], ids=["passwords", "keys", "weak", "not known", "enforced", "no machine"])  # fmt: skip
def test_a_change_of_how_sshd_or_the_vm_stands_makes_a_commit(facts: Facts):
    memory = advance(Memory(), well())
    assert significant(document(well(), memory, facts)) != significant(document(well(), memory, FACTS))


def test_another_look_at_sshd_that_finds_the_same_makes_no_commit():
    memory = advance(Memory(), well())
    later = replace(FACTS, ssh=replace(SSH, checked=NOW + HOUR, message="in other words"))
    assert significant(document(well(), memory, later)) == significant(document(well(), memory, FACTS))


def test_the_failure_to_deliver_makes_no_commit():
    memory = advance(Memory(), well())
    failing = advance(memory, well(), push_failure="refused", push_failures=1)
    assert significant(document(well(), failing, FACTS)) == _digest(well(), memory)


@pytest.mark.parametrize(("after", "due"), [
    (timedelta(0), False), (HOUR - timedelta(seconds=1), False), (HOUR, True), (timedelta(seconds=-1), True),
])  # fmt: skip
def test_a_heartbeat_is_due_when_the_last_word_is_old_or_from_the_future(after: timedelta, due: bool):
    memory = Memory(published=Published(digest="same", at=NOW))
    assert is_due(memory, "same", NOW + after, HOUR) is due
    assert is_due(memory, "other", NOW + after, HOUR)


def test_a_hiccup_of_the_network_makes_no_commit_and_an_outage_does():
    memory = replace(advance(Memory(), well()), published=Published(digest="before", at=NOW))
    failing = advance(memory, well(error=UNREACHABLE))
    assert not is_due(failing, "outage", NOW + BLIP - timedelta(seconds=1), HOUR)
    assert is_due(failing, "outage", NOW + BLIP, HOUR)
    assert not is_due(advance(failing, well()), "before", NOW + timedelta(seconds=1), HOUR)


@pytest.mark.parametrize(("pass_", "code"), [
    (well(), Code.CURRENT),
    (report(NEW, observed(OLD, running=process(OLD), confirmed=OLD)), Code.IN_PROGRESS),
    (report(NEW, observed(OLD, NEW, running=process(OLD), confirmed=OLD, rejected=rejected(NEW))), Code.FAILED),
    (well(invalid=Stalled(Reason.INVALID_SPEC, "line 7")), Code.FAILED),
    (well(error=UNREACHABLE), Code.FAILED),
    (report(OLD, observed(OLD, confirmed=OLD, stopped=True)), Code.FAILED),
    (report(OLD, observed(paused=Pause(reason="", by="ada", since=NOW))), Code.IN_PROGRESS),
])  # fmt: skip
def test_the_exit_code_is_kstatus_verdict(pass_: Report, code: Code):
    assert exit_code(told(Memory(), pass_)[1], NOW) is code


def test_a_dead_agent_does_not_look_ready():
    now = told(Memory(), well())[1]
    assert exit_code(now, NOW + 2 * HOUR) is Code.CURRENT
    assert exit_code(now, NOW + 2 * HOUR + timedelta(seconds=1)) is Code.UNKNOWN


@pytest.mark.parametrize(("span", "text"), [
    (timedelta(0), "0s"), (timedelta(milliseconds=4), "0.004s"), (timedelta(seconds=3.2), "3.2s"), (timedelta(seconds=60), "1m"),
    (timedelta(hours=1), "1h"), (timedelta(minutes=90, seconds=5), "1h30m5s"), (timedelta(seconds=59.9996), "1m"),
    (timedelta(days=2), "48h"),
])  # fmt: skip
def test_durations_are_written_as_in_go_and_read_back(span: timedelta, text: str):
    assert duration(span) == text
    assert abs(read_duration(text) - span) < timedelta(milliseconds=1)


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "1h ", "1d"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a duration"):
        read_duration(text)


def test_instants_are_utc_to_the_second():
    here = datetime.fromisoformat("2026-11-23T10:48:17.9+02:00")
    assert instant(here) == "2026-11-23T08:48:17Z"
    assert read_instant(instant(here)) == here.replace(microsecond=0)
    with pytest.raises(ValueError, match="no time zone"):
        read_instant("2026-11-23T08:48:17")


def test_confirming_is_told_by_ready_and_not_twice():
    before = observed(NEW, running=process(NEW), last_start=started(NEW))
    memory = advance(
        Memory(),
        report(NEW, before, after=observed(NEW, running=process(NEW), confirmed=NEW), done=(Confirm(NEW, ""),)),
    )
    assert [event.reason for event in memory.events] == [Reason.RECONCILIATION_SUCCEEDED]


@pytest.mark.parametrize(("models", "said"), [((), "1 environments"), (("m1", "m2"), "1 environments and 2 models")])
def test_what_was_removed_is_told(models: tuple[str, ...], said: str):
    gone = Prune(frozenset({OLD.id}), frozenset({OLD.venv}), frozenset(models), "the last 3 good releases stay")
    here = observed(NEW, running=process(NEW), confirmed=NEW)
    memory, _ = told(Memory(), report(NEW, here, done=(gone,)))

    assert [event.message for event in memory.events if event.message.startswith("removed")] == [
        f"removed 1 old releases, {said}: the last 3 good releases stay"
    ]
