"""How a release comes to run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from agent.errors import Reason
from agent.observed import Observed
from agent.steps import Build, Confirm, InstallUnits, Manner, Prepare, Promote, Retire, Start, Way
from tests.core.observing import NEW, OLD, STRANGER, answer, decided, process, verbs, vm, waking

WHY = "a program that takes the held socket itself (rollout.strategy: handover would hand it over)"


def test_what_is_declared_is_given_its_environment_first():
    todo = decided(vm(on_disk=(OLD,), runs=OLD))

    assert todo.steps == (Prepare(NEW, "the environment of main@sha1:6e657700 is not on this VM"),)
    assert (todo.reason, todo.message) == (Reason.PROGRESSING, "building main@sha1:6e657700")
    assert (todo.target, todo.look_again) == (NEW, timedelta(0))


def test_where_its_environment_is_whole_only_its_code_is_put_on_the_disk():
    todo = decided(vm(on_disk=(OLD,), runs=OLD, venvs=frozenset({OLD.venv, NEW.venv})))

    assert todo.steps == (Build(NEW, "main@sha1:6e657700 is declared and not built on this VM"),)
    assert (todo.reason, todo.message) == (Reason.PROGRESSING, "building main@sha1:6e657700")
    assert (todo.target, todo.look_again) == (NEW, timedelta(0))


def test_a_built_release_takes_the_place_of_the_old_one():
    todo = decided(vm(runs=OLD))

    assert todo.steps == (
        Retire(OLD.id, "gives way to main@sha1:6e657700", interrupts=True),
        Start(NEW, f"main@sha1:6e657700 is to run and does not; restart: {WHY}", Manner(Way.RESTART, WHY)),
    )
    message = f"starting main@sha1:6e657700: visitors wait meanwhile ({WHY})"
    assert (todo.reason, todo.message) == (Reason.PROGRESSING, message)
    assert (todo.target, todo.look_again) == (NEW, timedelta(0))


def test_its_units_are_installed_before_the_old_one_gives_way():
    todo = decided(vm(runs=OLD, installed=frozenset({OLD.id})))

    assert verbs(todo) == ["InstallUnits", "Retire", "Start"]
    assert todo.steps[0] == InstallUnits(NEW, "the unit files are not what this release needs")


def test_a_release_that_wakes_up_is_given_its_time():
    todo = decided(vm(waking(NEW), confirmed=OLD.id, current=OLD.id))

    assert todo.steps == ()
    assert (todo.reason, todo.target, todo.look_again) == (Reason.PROGRESSING, NEW, timedelta(seconds=1))
    assert todo.message == "main@sha1:6e657700: starting: GET / answered None"


def test_a_release_that_is_not_ready_yet_is_asked_again_as_often_as_declared():
    todo = decided(vm(process(NEW, readiness=answer(503)), confirmed=OLD.id, current=OLD.id))

    assert (todo.steps, todo.reason, todo.look_again) == ((), Reason.PROGRESSING, timedelta(seconds=5))


def test_a_release_whose_own_process_answers_is_promoted_then_confirmed():
    todo = decided(vm(process(NEW), confirmed=OLD.id, current=OLD.id))

    assert todo.steps == (Promote(NEW.id, "its own process answers"), Confirm(NEW, "GET / answered 200"))
    assert (todo.reason, todo.look_again) == (Reason.RECONCILIATION_SUCCEEDED, timedelta(seconds=1))


def test_active_is_not_running_an_old_process_under_the_new_link_confirms_nothing():
    todo = decided(vm(process(OLD), confirmed=OLD.id, current=NEW.id))

    assert verbs(todo) == ["Retire", "Start"]


def test_what_runs_beside_a_healthy_release_is_stopped():
    todo = decided(vm(process(STRANGER), runs=NEW))

    assert todo.steps == (Retire(STRANGER.id, "only main@sha1:6e657700 is to run"),)


def test_what_runs_beside_a_release_that_wakes_up_is_stopped():
    todo = decided(vm(process(STRANGER), waking(NEW), confirmed=OLD.id))

    assert todo.steps == (Retire(STRANGER.id, "only main@sha1:6e657700 is to run"),)
    assert todo.look_again == timedelta(seconds=1)


def test_the_disk_is_cleared_only_when_nothing_else_is_left_to_do():
    healthy = vm(runs=NEW, remains=frozenset({STRANGER.id}))

    assert verbs(decided(replace(healthy, current=None))) == ["Promote"]
    assert verbs(decided(healthy)) == ["Prune"]


def test_a_converged_vm_plans_nothing():
    todo = decided(vm(runs=NEW, on_disk=(NEW,)))

    assert (todo.steps, todo.look_again, todo.target) == ((), None, NEW)
    assert (todo.reason, todo.message) == (
        Reason.RECONCILIATION_SUCCEEDED,
        "main@sha1:6e657700 is running: GET / answered 200",
    )


def test_a_start_says_whether_the_service_was_down_or_something_else_ran():
    def because(observed: Observed) -> str:
        return decided(observed).steps[-1].because

    confirmed = {"confirmed": NEW.id, "current": NEW.id}
    assert because(vm(**confirmed)) == "the service is down"
    assert because(vm(process(OLD), **confirmed)) == f"main@sha1:6e657700 is to run and does not; restart: {WHY}"
    assert because(vm()) == "main@sha1:6e657700 is to run and does not"


def test_where_no_retry_is_declared_the_first_start_is_made_all_the_same():
    retry = NEW.spec.rollout.retry.model_copy(update={"limit": 0})
    rollout = NEW.spec.rollout.model_copy(update={"retry": retry})
    once = replace(NEW, spec=NEW.spec.model_copy(update={"rollout": rollout}))

    assert verbs(decided(vm(runs=OLD, on_disk=(OLD, once)), once)) == ["Retire", "Start"]
