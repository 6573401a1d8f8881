"""The verdict on a process."""

from __future__ import annotations

from datetime import timedelta

from agent.errors import Reason
from agent.health import Health, Verdict, judge
from agent.observed import Phase, Process, Standing
from tests.core.observing import NEW, NOW, answer, ended, process, waking

EXITED = "exited with status 1"


def verdict(observed: Process, *, probation: bool = False) -> Verdict:
    return judge(observed, NEW.spec, NOW, Standing.NEW if probation else Standing.PROVEN)


def test_a_process_that_answers_is_healthy():
    assert verdict(process(NEW)) == Verdict(health=Health.READY, message="GET / answered 200", reason=Reason.SUCCEEDED)


def test_a_process_that_ended_for_good_is_unfit():
    expected = Verdict(health=Health.UNFIT, message="the process exited with status 1", reason=Reason.PROCESS_EXITED)

    assert verdict(ended(NEW)) == expected


def test_a_process_that_ended_without_a_word_is_unfit_all_the_same():
    assert verdict(process(NEW, phase=Phase.FAILED)).message == "the process ended"


def test_on_probation_one_unexpected_end_is_enough():
    again = process(NEW, restarts=1, exit=EXITED)

    assert verdict(again, probation=True) == verdict(ended(NEW))
    assert verdict(again).health is Health.READY


def test_a_process_that_wakes_up_is_starting():
    assert verdict(waking(NEW)) == Verdict(
        health=Health.STARTING, message="starting: GET / answered None", reason=Reason.PROGRESSING
    )
    assert verdict(waking(NEW, readiness=None)).message == "starting: no answer yet"


def test_a_process_has_all_of_the_start_up_probes_time():
    assert verdict(waking(NEW, age=59.9)).health is Health.STARTING
    assert verdict(waking(NEW, age=60)) == Verdict(
        health=Health.UNFIT, message="not started within 60 s: GET / answered None", reason=Reason.HEALTH_CHECK_FAILED
    )


def test_the_start_up_probes_time_is_its_period_times_its_threshold():
    probe = NEW.spec.service.startup_probe.model_copy(update={"period": timedelta(seconds=2), "failure_threshold": 5})
    service = NEW.spec.service.model_copy(update={"startup_probe": probe})
    slower = NEW.spec.model_copy(update={"service": service})

    assert judge(waking(NEW, age=9.9), slower, NOW, Standing.PROVEN).health is Health.STARTING
    assert judge(waking(NEW, age=10), slower, NOW, Standing.PROVEN).message.startswith("not started within 10 s")


def test_a_program_that_has_not_said_ready_is_starting_whatever_it_answers():
    early = process(NEW, phase=Phase.ACTIVATING)

    assert verdict(early).health is Health.STARTING


def test_between_two_starts_of_the_service_manager_nobody_is_late():
    between = waking(NEW, age=999, phase=Phase.ACTIVATING, pid=None, restarts=2, exit=EXITED, readiness=None)

    assert verdict(between) == Verdict(
        health=Health.STARTING,
        message="the process exited with status 1, start 3: no answer yet",
        reason=Reason.PROCESS_EXITED,
    )


def test_a_process_that_is_being_stopped_is_neither_fit_nor_late():
    stopping = waking(NEW, age=999, phase=Phase.DEACTIVATING)

    assert verdict(stopping, probation=True) == Verdict(
        health=Health.UNREADY, message="the process is being stopped", reason=Reason.HEALTH_CHECK_FAILED
    )


def test_a_deaf_process_is_unfit_after_as_many_failures_as_declared():
    assert verdict(process(NEW, liveness=answer(None, failures=2))).health is Health.READY
    assert verdict(process(NEW, liveness=answer(None, failures=3))) == Verdict(
        health=Health.UNFIT,
        message="liveness: GET / answered None, 3 times in a row",
        reason=Reason.HEALTH_CHECK_FAILED,
    )


def test_a_process_that_was_not_asked_yet_is_starting():
    assert verdict(process(NEW, readiness=None, liveness=None)) == Verdict(
        health=Health.STARTING, message="waiting for the first answer of the readiness probe", reason=Reason.PROGRESSING
    )


def test_a_confirmed_release_is_unready_after_as_many_failures_as_declared():
    assert verdict(process(NEW, readiness=answer(503, failures=2))) == Verdict(
        health=Health.READY, message="GET / answered 503 (2 in a row is not yet a failure)", reason=Reason.SUCCEEDED
    )
    assert verdict(process(NEW, readiness=answer(503, failures=3))) == Verdict(
        health=Health.UNREADY, message="readiness: GET / answered 503", reason=Reason.HEALTH_CHECK_FAILED
    )


def test_on_probation_one_bad_answer_is_one_too_many():
    assert verdict(process(NEW, readiness=answer(503, failures=1)), probation=True).health is Health.UNREADY
