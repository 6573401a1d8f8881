"""What a failed step holds up, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from agent.errors import Reason
from agent.observed import Cure
from agent.steps import Confirm, Prune, Reject, Start
from tests.core.observing import NEW, OLD, STRANGER, decided, failed, process, rejection, started, verbs, vm, waking


def test_a_failed_build_waits_for_its_turn_and_says_why():
    todo = decided(vm(runs=OLD, on_disk=(OLD,), failure=failed(count=2)))

    assert (todo.steps, todo.look_again) == ((), timedelta(seconds=20))
    assert (todo.reason, todo.message, todo.target) == (Reason.BUILD_FAILED, "it failed", OLD)


def test_a_failed_build_is_tried_when_its_turn_has_come():
    todo = decided(vm(runs=OLD, on_disk=(OLD,), failure=failed(count=2, age=20)))

    assert verbs(todo) == ["Prepare"]


def test_a_failed_first_build_has_no_other_target():
    todo = decided(vm(on_disk=(), failure=failed(count=1, age=1)))

    assert (todo.steps, todo.look_again, todo.target) == ((), timedelta(seconds=9), NEW)


def test_while_a_release_waits_the_last_confirmed_one_is_healed():
    down = vm(confirmed=OLD.id, current=OLD.id, on_disk=(OLD,), failure=failed())

    assert decided(down).steps == (Start(OLD, "the service is down"),)


def test_while_a_release_waits_the_sooner_of_two_looks_counts():
    waiting = {"confirmed": OLD.id, "current": OLD.id, "on_disk": (OLD,), "failure": failed(count=1)}

    assert decided(vm(waking(OLD), **waiting)).look_again == timedelta(seconds=1)
    assert decided(vm(**waiting, last_start=started(OLD, age=0, count=4))).look_again == timedelta(seconds=10)


def test_while_a_built_release_waits_it_stays_on_the_disk_and_other_remains_go():
    todo = decided(vm(runs=OLD, failure=failed("Start"), remains=frozenset({STRANGER.id})))

    assert todo.steps == (Prune(frozenset({STRANGER.id}), frozenset(), frozenset(), "the last 1 good releases stay"),)
    assert decided(vm(runs=OLD, failure=failed("Start"))).steps == ()


def test_a_failure_holds_up_the_step_that_failed_and_no_other():
    clearing = decided(vm(runs=NEW, failure=failed("Prune"), remains=frozenset({OLD.id})))
    healing = decided(vm(confirmed=NEW.id, current=NEW.id, failure=failed("Prune")))

    assert (clearing.steps, clearing.reason) == ((), Reason.BUILD_FAILED)
    assert verbs(healing) == ["Start"]


def test_a_failure_of_the_fallback_makes_the_declared_release_wait_as_well():
    both = vm(on_disk=(OLD,), confirmed=OLD.id, current=OLD.id, failure=failed(f"Start {OLD.id}"))
    later = replace(both, failure=failed(f"Start {OLD.id}", age=10))

    assert (decided(both).steps, decided(both).look_again) == ((), timedelta(seconds=10))
    assert verbs(decided(later)) == ["Prepare"]


def test_a_failure_of_the_same_step_for_the_declared_release_does_not_hold_up_its_fallback():
    todo = decided(vm(confirmed=OLD.id, current=OLD.id, failure=failed("Start")))

    assert todo.steps == (Start(OLD, "the service is down"),)


def test_after_a_rejection_a_fallback_that_fails_waits_for_its_turn():
    down = vm(
        confirmed=OLD.id, current=OLD.id, rejected={NEW.id: rejection(NEW)}, failure=failed(f"Start {OLD.id}", count=2)
    )

    assert (decided(down).steps, decided(down).look_again) == ((), timedelta(seconds=20))


def test_a_stop_that_failed_waits_for_its_turn():
    running = vm(runs=NEW, stopped=True, failure=failed("Retire"))

    assert (decided(running).steps, decided(running).look_again) == ((), timedelta(seconds=10))
    assert verbs(decided(replace(running, failure=None))) == ["Retire"]


def test_a_failure_of_another_release_says_nothing():
    todo = decided(vm(runs=OLD, on_disk=(OLD,), failure=failed(release=STRANGER, cure=Cure.PUSH, count=9)))

    assert verbs(todo) == ["Prepare"]


def test_a_build_that_only_a_push_can_cure_is_given_up_at_once():
    todo = decided(vm(runs=OLD, on_disk=(OLD,), failure=failed(cure=Cure.PUSH)))

    assert todo.steps == (Reject(NEW, Reason.BUILD_FAILED, "it failed"),)
    assert (todo.target, todo.reason, todo.message) == (OLD, Reason.BUILD_FAILED, "it failed")
    assert todo.look_again == timedelta(0)


def test_a_first_build_that_only_a_push_can_cure_is_stalled_and_tried_again():
    todo = decided(vm(on_disk=(), failure=failed(cure=Cure.PUSH)))

    assert (todo.steps, todo.look_again) == ((), timedelta(seconds=10))


def test_what_time_may_cure_is_tried_as_often_as_declared():
    def after(count: int) -> list[str]:
        return verbs(decided(vm(runs=OLD, on_disk=(OLD,), failure=failed(count=count, age=999))))

    assert (after(3), after(4)) == (["Prepare"], ["Reject"])


def test_what_somebody_has_to_cure_is_tried_for_ever():
    todo = decided(vm(runs=OLD, on_disk=(OLD,), failure=failed(cure=Cure.OPERATOR, count=99, age=999)))

    assert verbs(todo) == ["Prepare"]


def test_a_start_that_fails_interrupts_the_old_release_only_so_often_whoever_could_cure_it():
    def after(count: int) -> list[str]:
        return verbs(decided(vm(runs=OLD, failure=failed("Start", cure=Cure.OPERATOR, count=count, age=999))))

    assert (after(3), after(4)) == (["Retire", "Start"], ["Reject"])


def test_a_failure_of_the_fallback_is_not_held_against_the_declared_release():
    todo = decided(vm(runs=OLD, on_disk=(OLD,), failure=failed(f"Prune {OLD.id}", count=9, age=999)))

    assert verbs(todo) == ["Prepare"]


def test_a_release_that_runs_is_judged_by_its_health_and_not_by_failed_steps():
    todo = decided(vm(process(NEW), confirmed=OLD.id, current=OLD.id, failure=failed("Confirm", count=9, age=999)))

    assert verbs(todo) == ["Promote", "Confirm"]


def test_a_failure_is_forgotten_when_everything_else_is_done():
    unclear = vm(runs=NEW, failure=failed("Prune", age=10), remains=frozenset({OLD.id}))
    clear = vm(runs=NEW, on_disk=(NEW,), failure=failed("Prune", age=10))

    assert verbs(decided(unclear)) == ["Prune"]
    assert decided(clear).steps == (Confirm(NEW, "Prune is no longer in question"),)


def test_a_failure_on_the_way_to_a_release_that_is_no_longer_wanted_is_forgotten():
    superseded = vm(runs=NEW, on_disk=(NEW,), failure=failed(release=STRANGER))
    rejected = vm(
        runs=OLD, on_disk=(OLD,), rejected={NEW.id: rejection(NEW)}, failure=failed(f"Start {OLD.id}", age=99)
    )

    assert decided(superseded).steps == (Confirm(NEW, "Prepare is no longer in question"),)
    assert decided(rejected).steps == (Confirm(OLD, f"Start {OLD.id} is no longer in question"),)


def test_the_failure_of_a_release_that_waits_is_not_forgotten():
    assert decided(vm(runs=OLD, failure=failed("Start"))).steps == ()


def test_clearing_up_while_a_failed_step_waits_is_told_as_the_failure():
    todo = decided(vm(runs=OLD, failure=failed("Start"), remains=frozenset({STRANGER.id})), NEW)

    assert isinstance(todo.steps[0], Prune)
    assert (todo.reason, todo.message, todo.target) == (Reason.BUILD_FAILED, "it failed", OLD)
