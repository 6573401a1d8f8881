"""What the conditions say of every kind of world."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

from agent.conditions import LONGEST, Condition, Type, assess, find
from agent.errors import AgentError, Broken, Reason, Stalled, Transient
from agent.observed import Asked, Cure, Failure, Observed, Pause, Phase, Pin, Process
from agent.outlook import Status
from agent.release import Release
from agent.report import Fetched, Report
from agent.status.advance import advance
from agent.status.document import document
from agent.status.memory import Memory
from agent.steps import Confirm, Promote, Start
from tests.reports import (
    NOW,
    URL,
    fetched,
    observed,
    probe,
    process,
    rejected,
    release,
    report,
    revision,
    sick,
    started,
    well,
)
from tests.status_checker import check, check_rules
from tests.status_facts import FACTS

LATER = NOW + timedelta(minutes=1)
OLD, NEW = release("a"), release("b")
UNREACHABLE = Transient(Reason.GIT_OPERATION_FAILED, "github.com did not answer within 20 s")
LOCKED_OUT = Broken(Reason.AUTHENTICATION_FAILED, "the key is refused", hint="add the deploy key")
TYPO = Stalled(Reason.INVALID_SPEC, "desired-state.yaml:7: service.port: 80 is privileged")


def held(told: Report, previous: tuple[Condition, ...] = (), now: datetime | None = None) -> dict[str, Condition]:
    return {each.type.value: each for each in assess(told, previous, 1, now or told.at)}


def shown(told: Report, previous: tuple[Condition, ...] = ()) -> dict[str, str]:
    return {name: f"{each.status}/{each.reason}" for name, each in held(told, previous).items()}


def failed(of: Release, cure: Cure, reason: Reason = Reason.BUILD_FAILED, at: datetime = NOW) -> Failure:
    return Failure(
        release=of.id, step="Build", cure=cure, reason=reason, message="no such package: nope", at=at, count=1
    )


def rolled_back() -> Report:
    return report(NEW, observed(OLD, NEW, running=process(OLD), confirmed=OLD, rejected=rejected(NEW)))


def test_a_settled_vm_is_ready_and_healthy_and_nothing_else():
    assert shown(well()) == {"Ready": "True/ReconciliationSucceeded", "Healthy": "True/Succeeded"}


def test_before_the_first_revision_nothing_is_known():
    waiting = Report(at=NOW, fetched=fetched(None), desired=None, observed=Observed(), plan=None)
    assert shown(waiting) == {"Ready": "Unknown/Progressing", "Reconciling": "True/Progressing"}


def test_building_is_reconciling_while_the_old_release_is_still_healthy():
    assert shown(report(NEW, observed(OLD, running=process(OLD), confirmed=OLD))) == {
        "Ready": "Unknown/Progressing",
        "Reconciling": "True/Progressing",
        "Healthy": "True/Succeeded",
    }


def test_a_release_that_starts_is_neither_ready_nor_healthy_yet():
    starting = process(NEW, since=NOW, started=False, readiness=None, liveness=None)
    told = report(NEW, observed(OLD, NEW, running=starting, confirmed=OLD, last_start=started(NEW)))
    assert shown(told)["Ready"] == "Unknown/Progressing"
    assert shown(told)["Healthy"] == "Unknown/Progressing"


def test_the_pass_that_confirms_is_ready():
    before = observed(NEW, running=process(NEW), last_start=started(NEW))
    after = observed(NEW, running=process(NEW), confirmed=NEW)
    told = report(NEW, before, after=after, done=(Promote(NEW.id, ""), Confirm(NEW, "")))
    assert shown(told) == {"Ready": "True/ReconciliationSucceeded", "Healthy": "True/Succeeded"}


def test_ready_is_not_true_of_a_service_that_fell_ill_during_the_pass():
    before = observed(OLD, running=process(OLD), confirmed=OLD)
    after = observed(OLD, running=sick(OLD), confirmed=OLD)
    assert shown(report(OLD, before, after=after))["Ready"] == "Unknown/Progressing"


def test_a_sick_release_is_rejected_and_the_old_one_is_told_to_be_healthy():
    told = rolled_back()
    assert shown(told) == {
        "Ready": "False/HealthCheckFailed",
        "Stalled": "True/RevisionRejected",
        "RolledBack": "True/HealthCheckFailed",
        "Healthy": "True/Succeeded",
    }
    message = held(told)["Ready"].message
    assert message == "not started within 60 s: GET / answered 500 at main@sha1:bbbbbbbb; main@sha1:aaaaaaaa is running"


def test_on_the_way_back_the_failure_is_told_already():
    told = report(NEW, observed(OLD, NEW, confirmed=OLD, rejected=rejected(NEW)))
    assert shown(told) == {
        "Ready": "False/HealthCheckFailed",
        "Stalled": "True/RevisionRejected",
        "RolledBack": "True/HealthCheckFailed",
    }
    assert "going back to main@sha1:aaaaaaaa" in held(told)["Ready"].message


def test_the_next_push_ends_the_alarm_of_the_rejected_one():
    fix = release("c")
    told = report(fix, observed(OLD, NEW, running=process(OLD), confirmed=OLD, rejected=rejected(NEW)))
    assert shown(told).keys() == {"Ready", "Reconciling", "Healthy"}


def test_a_failed_first_deploy_is_stalled_and_says_that_there_is_nothing_to_go_back_to():
    told = report(NEW, observed(NEW, running=sick(NEW), last_start=started(NEW, at=NOW - timedelta(minutes=2))))
    assert shown(told)["Ready"] == "False/HealthCheckFailed"
    assert shown(told)["Stalled"] == "True/HealthCheckFailed"
    assert "none to go back to" in held(told)["Ready"].message


def test_trying_a_failed_first_deploy_again_changes_nothing_but_the_try():
    crashed = process(NEW, phase=Phase.FAILED, exit="exited with status 1", readiness=None, liveness=None)
    first = report(NEW, observed(NEW, running=crashed, last_start=started(NEW, at=NOW - timedelta(minutes=2))))
    before = assess(first, (), 1, NOW)
    starting = process(NEW, since=LATER, started=False, readiness=None, liveness=None)
    again = report(NEW, observed(NEW, running=starting, last_start=started(NEW, count=2, at=LATER)), at=LATER)
    after = held(again, before)
    assert find(before, Type.READY) == replace(after["Ready"], observed_generation=1)
    assert after["Stalled"].reason is Reason.PROCESS_EXITED


def test_a_failing_build_is_retried_and_stays_told_while_it_is():
    for at in (NOW, NOW + timedelta(seconds=11)):  # the pause, then the next try
        told = report(NEW, observed(OLD, running=process(OLD), confirmed=OLD, failure=failed(NEW, Cure.TIME)), at=at)
        assert shown(told) == {
            "Ready": "False/BuildFailed",
            "Reconciling": "True/ProgressingWithRetry",
            "Healthy": "True/Succeeded",
        }
        assert held(told)["Ready"].message.endswith("main@sha1:aaaaaaaa is running")


def test_a_failure_that_only_a_push_or_a_person_cures_is_stalled():
    for cure in (Cure.PUSH, Cure.OPERATOR):
        told = report(NEW, observed(failure=failed(NEW, cure)))
        assert shown(told) == {"Ready": "False/BuildFailed", "Stalled": "True/BuildFailed"}


def test_the_pass_in_which_a_step_fails_says_so():
    world = observed(OLD, running=process(OLD), confirmed=OLD)
    transient = report(NEW, world, failure=Transient(Reason.INDEX_UNREACHABLE, "no index"))
    stalled = report(NEW, world, failure=Stalled(Reason.BUILD_FAILED, "no such package"))
    assert shown(transient)["Reconciling"] == "True/ProgressingWithRetry"
    assert shown(stalled)["Stalled"] == "True/BuildFailed"


def test_an_invalid_push_is_stalled_with_file_and_line_and_leaves_health_alone():
    told = well(invalid=TYPO)
    assert shown(told) == {"Ready": "False/InvalidSpec", "Stalled": "True/InvalidSpec", "Healthy": "True/Succeeded"}
    assert held(told)["Stalled"].message.startswith("desired-state.yaml:7: service.port: 80 is privileged")
    assert "main@sha1:aaaaaaaa is running" in held(told)["Ready"].message


def test_a_failed_fetch_does_not_touch_health():
    told = held(well(error=UNREACHABLE), assess(well(), (), 1, NOW), LATER)
    assert told["Healthy"].last_transition_time == NOW
    assert {name: each.reason for name, each in told.items()} == {
        "Ready": Reason.GIT_OPERATION_FAILED,
        "Healthy": Reason.SUCCEEDED,
        "FetchFailed": Reason.GIT_OPERATION_FAILED,
    }


def test_a_remote_that_lets_us_in_no_more_needs_a_person():
    told = held(well(error=LOCKED_OUT))
    assert told["Stalled"].reason is Reason.AUTHENTICATION_FAILED
    assert "add the deploy key" in told["Stalled"].message
    assert told["Healthy"].status is Status.TRUE


def test_suspended_keeps_what_ready_was():
    before = assess(well(), (), 1, NOW)
    paused = Pause(reason="exam week", by="ada", since=NOW)
    told = report(NEW, observed(OLD, running=process(OLD), confirmed=OLD, paused=paused), at=LATER)
    after = held(told, before)
    assert after["Ready"] == find(before, Type.READY)
    assert "exam week" in after["Suspended"].message
    assert "Reconciling" not in after


def test_a_rollback_on_the_vm_is_no_alarm_and_says_who_wanted_it():
    pin = Pin(release=OLD.id, by="ada", since=NOW)
    told = held(report(NEW, observed(OLD, NEW, running=process(OLD), confirmed=OLD, pinned=pin)))

    assert (told["Ready"].status, told["Ready"].reason) == (Status.FALSE, Reason.PINNED)
    assert "by ada" in told["RolledBack"].message
    assert told["Healthy"].status is Status.TRUE
    assert not {"Stalled", "Reconciling"} & told.keys()


def test_a_suspended_vm_whose_service_dies_is_not_ready():
    before = assess(well(), (), 1, NOW)
    paused = Pause(reason="", by="ada", since=NOW)
    dead = report(OLD, observed(OLD, confirmed=OLD, paused=paused), at=LATER)
    assert held(dead, before)["Ready"].reason is Reason.SERVICE_DOWN
    ill = report(OLD, observed(OLD, running=sick(OLD), confirmed=OLD, paused=paused), at=LATER)
    assert held(ill, before)["Ready"].reason is Reason.HEALTH_CHECK_FAILED


def test_a_suspended_vm_still_says_that_the_newest_push_is_invalid():
    paused = Pause(reason="", by="ada", since=NOW)
    told = shown(report(OLD, observed(OLD, running=process(OLD), confirmed=OLD, paused=paused), invalid=TYPO))
    assert told["Ready"] == "False/InvalidSpec"
    assert told["Stalled"] == "True/InvalidSpec"
    assert told["Suspended"] == "True/Suspended"


def test_a_vm_that_was_suspended_from_the_start_says_that_and_not_what_failed_before():
    paused = Pause(reason="exam week", by="ada", since=NOW)
    told = held(report(NEW, observed(failure=failed(NEW, Cure.PUSH), paused=paused)))
    assert told["Ready"].reason is Reason.SUSPENDED
    assert "exam week" in told["Ready"].message


def test_a_release_on_trial_that_is_not_fit_yet_is_not_called_unhealthy():
    on_trial = process(NEW, readiness=probe(ok=False))
    told = report(NEW, observed(OLD, NEW, running=on_trial, confirmed=OLD, last_start=started(NEW)))
    assert shown(told)["Healthy"] == "Unknown/Progressing"


def test_what_is_being_stopped_does_not_run():
    leaving = process(OLD, phase=Phase.DEACTIVATING)
    assert "Healthy" not in shown(report(OLD, observed(OLD, running=leaving, confirmed=OLD, stopped=True)))


def test_stopped_is_not_ready_and_no_alarm():
    assert shown(report(OLD, observed(OLD, confirmed=OLD, stopped=True))) == {"Ready": "False/Stopped"}


def test_a_sick_confirmed_release_is_healed_and_told_to_be_unhealthy():
    told = report(
        OLD, observed(OLD, running=sick(OLD, started=True, liveness=probe(ok=False, failures=3)), confirmed=OLD)
    )
    assert shown(told) == {
        "Ready": "False/HealthCheckFailed",
        "Reconciling": "True/ProgressingWithRetry",
        "Healthy": "False/HealthCheckFailed",
    }


def test_with_self_healing_off_a_sick_release_needs_a_person():
    target = release("a", "sync: {selfHeal: {enabled: false}}")
    ill = sick(target, started=True, liveness=probe(ok=False, failures=3))
    assert shown(report(target, observed(target, running=ill, confirmed=target)))["Stalled"] == "True/HealthCheckFailed"


def test_a_release_that_is_alive_but_unready_for_long_is_waited_for():
    unready = process(OLD, readiness=probe(ok=False, failures=3))
    told = shown(report(OLD, observed(OLD, running=unready, confirmed=OLD)))
    assert told == {"Ready": "False/HealthCheckFailed", "Healthy": "False/HealthCheckFailed"}


def test_only_a_flip_of_the_status_moves_the_time():
    first = assess(well(error=UNREACHABLE), (), 1, NOW)
    other_reason = assess(well(error=LOCKED_OUT), first, 2, LATER)
    assert find(other_reason, Type.READY).last_transition_time == NOW
    assert find(other_reason, Type.READY).observed_generation == 2
    healed = assess(well(), other_reason, 2, LATER)
    assert find(healed, Type.READY).last_transition_time == LATER
    assert find(healed, Type.FETCH_FAILED) is None
    assert find(assess(well(error=UNREACHABLE), healed, 2, LATER), Type.FETCH_FAILED).last_transition_time == LATER


def test_a_monstrous_message_is_cut():
    told = well(invalid=Stalled(Reason.INVALID_SPEC, "x" * 10_000))
    message = held(told)["Stalled"].message
    assert len(message) == LONGEST
    assert message.endswith("…")


def test_what_could_not_be_delivered_is_told_on_the_vm():
    told = assess(well(), (), 1, NOW, push_failure="github.com did not answer")
    assert find(told, Type.STATUS_PUSH_FAILED).reason is Reason.STATUS_PUSH_FAILED
    assert find(told, Type.READY).status is Status.TRUE


def _processes() -> list[Process | None]:
    fresh = {"since": NOW, "started": False, "readiness": None, "liveness": None}
    return [
        None,
        *(make(each) for each in (OLD, NEW) for make in (process, sick)),
        process(NEW, **fresh),
        process(NEW, phase=Phase.FAILED, exit="exited with status 1"),
        process(OLD, readiness=probe(ok=False, failures=3)),
        process(OLD, phase=Phase.DEACTIVATING),
    ]


def worlds() -> list[Observed]:
    """Every mix of what runs, what was confirmed, rejected, failed, and of what somebody asked for on the VM."""
    pause = Pause(reason="", by="ada", since=NOW)
    mixes = product(
        _processes(),
        (None, OLD, NEW),
        ({}, rejected(NEW)),
        (None, *(failed(NEW, cure) for cure in Cure)),
        (None, started(NEW, count=3)),
        ({}, {"paused": pause}, {"stopped": True}),
    )
    return [
        observed(
            OLD, NEW, running=running, confirmed=confirmed, rejected=refused, failure=failure, last_start=last, **asked
        )
        for running, confirmed, refused, failure, last, asked in mixes
    ]


def test_the_invariants_hold_in_every_imaginable_world_and_after_every_other():
    errors: tuple[AgentError | None, ...] = (None, UNREACHABLE, LOCKED_OUT)
    faults = ({}, {"invalid": TYPO}, {"failure": UNREACHABLE})
    memory, previous, at, seen = Memory(), None, NOW, set()
    for number, world in enumerate(worlds()):
        at += timedelta(seconds=1)
        told = report(NEW, world, at=at, error=errors[number % 3], **faults[number // 3 % 3])
        memory = advance(memory, told)
        now = document(told, memory, FACTS)
        check_rules(now, previous)
        if (kind := tuple((each.type, each.status, each.reason) for each in memory.conditions)) not in seen:
            check(now, previous)
        seen.add(kind)
        previous = now
    assert len(seen) > 50, "the worlds differ"


def test_the_invariants_hold_where_nothing_was_ever_declared():
    for error, invalid in product((None, UNREACHABLE, LOCKED_OUT), (None, TYPO)):
        known = Fetched(
            url=URL, ref="refs/heads/main", revision=revision("a") if invalid else None, at=None, error=error
        )
        told = Report(at=NOW, fetched=known, desired=None, observed=Observed(), plan=None, invalid=invalid)
        check(document(told, advance(Memory(), told), FACTS))


def test_a_start_that_is_made_again_counts_as_self_healing_and_a_rollback_does_not():
    memory = advance(Memory(), well(done=(Start(OLD, ""),)))
    rollback = report(NEW, observed(OLD, NEW, running=process(OLD), confirmed=OLD, rejected=rejected(NEW)))
    memory = advance(memory, replace(rollback, done=(Start(NEW, ""),)))
    memory = advance(memory, replace(rollback, done=(Start(OLD, ""),)))
    assert (memory.counters.rollbacks, memory.counters.self_heals) == (1, 0)
    memory = advance(memory, replace(rollback, done=(Start(OLD, ""),)))
    assert (memory.counters.rollbacks, memory.counters.self_heals) == (1, 1)


def test_a_start_that_somebody_asked_for_is_told_as_theirs_and_is_no_self_heal():
    memory = advance(Memory(), well(done=(Start(OLD, ""),)))
    for verb in ("restart", "start"):
        last = replace(started(OLD), asked=Asked(verb=verb, by="ada", at=NOW))
        told = report(OLD, observed(OLD, running=process(OLD), confirmed=OLD, last_start=last))
        memory = advance(memory, replace(told, done=(Start(OLD, "the service is down"),)))
        assert memory.events[-1].message == f"started main@sha1:aaaaaaaa: ada asked for a {verb}"
        assert memory.counters.self_heals == 0
    healed = report(OLD, observed(OLD, running=process(OLD), confirmed=OLD, last_start=started(OLD)))
    memory = advance(memory, replace(healed, done=(Start(OLD, "the service is down"),)))
    assert memory.events[-1].message == "started main@sha1:aaaaaaaa: the service is down"
    assert memory.counters.self_heals == 1
