"""When the last confirmed release returns."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from agent.errors import Reason
from agent.observed import Phase
from agent.steps import Reject, Retire, Start
from tests.core.observing import (
    NEW,
    OLD,
    STRANGER,
    answer,
    decided,
    ended,
    process,
    rejection,
    started,
    verbs,
    vm,
    waking,
)
from tests.memory import spec_of


def test_a_sick_release_is_rejected_and_the_old_one_returns():
    todo = decided(vm(ended(NEW), confirmed=OLD.id, current=OLD.id))

    assert todo.steps == (
        Reject(NEW, Reason.PROCESS_EXITED, "the process exited with status 1"),
        Retire(NEW.id, "rejected: the process exited with status 1"),
    )
    assert (todo.target, todo.reason, todo.look_again) == (OLD, Reason.PROCESS_EXITED, timedelta(0))
    assert todo.message.endswith("at main@sha1:6e657700; going back to main@sha1:6f6c6400")


def test_the_old_one_is_started_at_once_whenever_it_was_started_before():
    todo = decided(
        vm(confirmed=OLD.id, current=OLD.id, rejected={NEW.id: rejection(NEW)}, last_start=started(NEW, age=1, count=3))
    )

    assert todo.steps == (Start(OLD, "the service is down"),)


def test_after_a_rejection_it_is_said_what_runs_and_why():
    todo = decided(vm(runs=OLD, on_disk=(OLD,), rejected={NEW.id: rejection(NEW)}))

    assert (todo.steps, todo.look_again, todo.target) == ((), None, OLD)
    assert todo.reason is Reason.REVISION_REJECTED
    assert todo.message == "GET / answered 500 at main@sha1:6e657700; main@sha1:6f6c6400 is running"


def test_a_fallback_that_wakes_up_is_said_to_progress():
    todo = decided(vm(waking(OLD), confirmed=OLD.id, current=OLD.id, rejected={NEW.id: rejection(NEW)}))

    assert (todo.reason, todo.steps, todo.target) == (Reason.PROGRESSING, (), OLD)


def test_a_first_deploy_that_is_sick_is_not_rejected_but_started_again():
    todo = decided(vm(ended(NEW), on_disk=(NEW,), last_start=started(NEW, age=3)))

    because = "restart: the process exited with status 1"
    assert todo.steps == (Retire(NEW.id, because), Start(NEW, because))
    assert (todo.reason, todo.look_again) == (Reason.PROCESS_EXITED, timedelta(0))


def test_without_rollback_a_sick_release_is_started_again():
    new = replace(NEW, spec=spec_of(rollback=False))
    todo = decided(vm(ended(new), on_disk=(OLD, new), confirmed=OLD.id, current=OLD.id), new)

    assert verbs(todo) == ["Retire", "Start"]


def test_a_fallback_that_is_not_whole_is_none():
    todo = decided(vm(ended(NEW), on_disk=(NEW,), confirmed=OLD.id, current=OLD.id))

    assert verbs(todo) == ["Retire", "Start"]


def test_a_rejected_release_with_nothing_to_go_back_to_is_tried():
    todo = decided(vm(on_disk=(NEW,), rejected={NEW.id: rejection(NEW)}))

    assert verbs(todo) == ["Start"]


def test_a_rollout_that_outlasts_its_timeout_is_given_up():
    late = process(NEW, age=300, readiness=answer(503))
    todo = decided(vm(late, confirmed=OLD.id, current=OLD.id))

    message = "not healthy within rollout.timeout (300 s): readiness: GET / answered 503"
    assert todo.steps[0] == Reject(NEW, Reason.HEALTH_CHECK_FAILED, message)


def test_a_rollout_has_all_of_its_timeout():
    late = process(NEW, age=299.9, readiness=answer(503))

    assert decided(vm(late, confirmed=OLD.id, current=OLD.id)).steps == ()


def test_the_timeout_ends_no_release_that_is_healthy_and_none_that_is_being_stopped():
    healthy = decided(vm(process(NEW, age=3000), confirmed=OLD.id, current=OLD.id))
    stopping = decided(vm(process(NEW, age=3000, phase=Phase.DEACTIVATING), confirmed=OLD.id, current=OLD.id))

    assert verbs(healthy) == ["Promote", "Confirm"]
    assert stopping.steps == ()


def test_what_the_probes_said_is_not_overwritten_by_the_timeout():
    hung = waking(NEW, age=3000)
    todo = decided(vm(hung, confirmed=OLD.id, current=OLD.id))

    assert todo.message.startswith("not started within 60 s")


def test_a_release_that_is_gone_after_each_start_is_given_up():
    gone = vm(confirmed=OLD.id, current=OLD.id, last_start=started(NEW, age=500, count=4))
    todo = decided(gone)

    message = "started 4 times and gone each time before it answered"
    assert todo.steps[0] == Reject(NEW, Reason.PROCESS_EXITED, message)
    assert verbs(decided(replace(gone, last_start=started(NEW, age=500, count=3)))) == ["Start"]
    assert verbs(decided(replace(gone, last_start=started(OLD, age=500, count=9)))) == ["Start"]


def test_while_the_newest_is_built_the_last_confirmed_one_takes_the_place_of_a_sick_one():
    todo = decided(vm(ended(STRANGER), on_disk=(OLD, STRANGER), confirmed=OLD.id, current=OLD.id))

    assert [type(step).__name__ for step in todo.steps] == ["Retire", "Start"]
    assert todo.target == OLD


def test_while_the_newest_is_built_a_rollout_that_may_succeed_serves():
    todo = decided(vm(waking(STRANGER), on_disk=(OLD, STRANGER), confirmed=OLD.id, current=OLD.id))

    assert verbs(todo) == ["Prepare"]
