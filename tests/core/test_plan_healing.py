"""What is done for a release that was well."""

from __future__ import annotations

from datetime import timedelta

from agent.errors import Reason
from agent.steps import Retire, Start
from tests.core.observing import (
    NEW,
    OLD,
    STRANGER,
    answer,
    decided,
    ended,
    process,
    started,
    verbs,
    vm,
    waking,
    without_healing,
)


def test_a_service_that_is_down_is_started():
    todo = decided(vm(confirmed=NEW.id, current=NEW.id))

    assert todo.steps == (Start(NEW, "the service is down"),)


def test_a_service_that_went_down_again_waits_for_its_turn():
    todo = decided(vm(confirmed=NEW.id, current=NEW.id, last_start=started(NEW, age=1, count=2)))

    assert (todo.steps, todo.reason, todo.look_again) == ((), Reason.SERVICE_DOWN, timedelta(seconds=5))
    assert todo.message == "main@sha1:6e657700 is down; started again in 5 s"
    assert todo.target == NEW


def test_a_deaf_process_is_restarted():
    deaf = process(NEW, liveness=answer(None, failures=3))
    todo = decided(vm(deaf, process(STRANGER), confirmed=NEW.id, current=NEW.id))

    because = "restart: liveness: GET / answered None, 3 times in a row"
    assert todo.steps == (Retire(NEW.id, because), Retire(STRANGER.id, because, interrupts=True), Start(NEW, because))
    assert (todo.reason, todo.message) == (Reason.HEALTH_CHECK_FAILED, because.removeprefix("restart: "))
    assert (todo.target, todo.look_again) == (NEW, timedelta(0))


def test_a_deaf_process_is_restarted_once_a_cool_down():
    deaf = process(NEW, liveness=answer(None, failures=3))
    todo = decided(vm(deaf, confirmed=NEW.id, current=NEW.id, last_start=started(NEW, age=1)))

    assert (todo.steps, todo.look_again, todo.target) == ((), timedelta(seconds=1), NEW)
    assert (todo.reason, todo.message) == (
        Reason.HEALTH_CHECK_FAILED,
        "liveness: GET / answered None, 3 times in a row",
    )


def test_where_healing_is_off_a_deaf_process_is_told_and_left():
    new = without_healing(NEW)
    deaf = process(new, liveness=answer(None, failures=3))
    todo = decided(vm(deaf, on_disk=(new,), confirmed=new.id, current=new.id), new)

    assert (todo.steps, todo.reason, todo.look_again) == ((), Reason.HEALTH_CHECK_FAILED, timedelta(seconds=5))


def test_where_healing_is_off_a_first_deploy_is_started_again_all_the_same():
    new = without_healing(NEW)
    todo = decided(vm(ended(new), on_disk=(new,)), new)

    assert verbs(todo) == ["Retire", "Start"]


def test_a_confirmed_release_that_is_not_ready_is_told_and_not_restarted():
    unready = process(NEW, age=3000, readiness=answer(503, failures=3))
    todo = decided(vm(unready, confirmed=NEW.id, current=NEW.id))

    assert (todo.steps, todo.reason, todo.look_again) == ((), Reason.HEALTH_CHECK_FAILED, timedelta(seconds=5))
    assert todo.message == "main@sha1:6e657700: readiness: GET / answered 503"


def test_one_bad_answer_of_a_confirmed_release_is_looked_at_again_soon():
    blinking = process(NEW, readiness=answer(503, failures=1))
    todo = decided(vm(blinking, on_disk=(NEW,), confirmed=NEW.id, current=NEW.id))

    assert (todo.steps, todo.reason, todo.look_again) == ((), Reason.RECONCILIATION_SUCCEEDED, timedelta(seconds=5))


def test_units_edited_by_hand_are_put_back_without_a_restart():
    healthy = decided(vm(runs=NEW, installed=frozenset()))
    wakes = decided(vm(waking(NEW), confirmed=NEW.id, current=NEW.id, installed=frozenset()))
    deaf = process(NEW, liveness=answer(None, failures=3))
    restarted = decided(vm(deaf, confirmed=NEW.id, current=NEW.id, installed=frozenset()))

    assert (verbs(healthy), verbs(wakes)) == (["InstallUnits"], ["InstallUnits"])
    assert verbs(restarted) == ["InstallUnits", "Retire", "Start"]


def test_a_release_that_a_reboot_would_not_start_has_not_proved_itself_whatever_is_on_record():
    restarted = process(NEW, restarts=1)
    todo = decided(vm(restarted, confirmed=NEW.id, current=OLD.id))

    assert verbs(todo) == ["Retire", "Start"]
