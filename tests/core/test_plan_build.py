"""What goes on beside the passes: an environment that is being made for a release."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.errors import Reason
from agent.observed import Building, BuildState, Observed
from agent.plan import Plan
from agent.steps import Abandon, Prepare, Prune, Retire, Start, Way
from tests.core.observing import (
    NEW,
    OLD,
    STRANGER,
    ago,
    answer,
    decided,
    failed,
    process,
    rejection,
    started,
    verbs,
    vm,
    waking,
    without_healing,
)
from tests.memory import release_of, spec_of

FOR_ANOTHER = "main@sha1:6e657700 needs another environment"


def building(
    release=NEW, *, age: float = 12, state: BuildState = BuildState.RUNNING, doing: str = "installing uv.lock"
) -> Building:
    return Building(venv=release.venv, since=ago(age), state=state, doing=doing)


def at_work(*processes, runs=OLD, **facts: object) -> Observed:
    """NEW is declared, and its environment is being made."""
    return vm(*processes, runs=runs, **({"on_disk": (OLD,), "building": building()} | facts))


def test_what_is_being_made_is_waited_for_and_told():
    todo = decided(at_work())

    assert (todo.steps, todo.reason, todo.target) == ((), Reason.PROGRESSING, NEW)
    assert todo.message == "building main@sha1:6e657700 (12 s): installing uv.lock"


def test_before_it_says_what_it_does_only_its_age_is_told():
    assert decided(at_work(building=building(doing=""))).message == "building main@sha1:6e657700 (12 s)"


@pytest.mark.parametrize(("age", "pause"), [(-5, 1), (0, 1), (4, 4), (15, 15), (900, 15)])
def test_the_longer_it_takes_the_more_seldom_it_is_looked_at(age: float, pause: float):
    first = at_work(runs=None, on_disk=(), building=building(age=age))

    assert decided(first).look_again == timedelta(seconds=pause)
    assert decided(at_work(building=building(age=age))).look_again == timedelta(seconds=pause)


@pytest.mark.parametrize("state", [BuildState.FAILED, BuildState.LOST])
def test_what_has_ended_badly_is_taken_up(state: BuildState):
    assert verbs(decided(at_work(building=building(state=state)))) == ["Prepare"]


def test_meanwhile_the_confirmed_release_is_healed():
    deaf = process(OLD, liveness=answer(None, failures=3))
    todo = decided(at_work(deaf, runs=None, confirmed=OLD.id, current=OLD.id))

    assert (verbs(todo), todo.target) == (["Retire", "Start"], OLD)
    assert (todo.reason, todo.look_again) == (Reason.HEALTH_CHECK_FAILED, timedelta(0))


def test_meanwhile_a_service_that_is_down_is_started_also_after_a_failure_and_where_nothing_is_rolled_back():
    new = release_of("new", spec_of(rollback=False), venv="venv-2")
    down = at_work(runs=None, confirmed=OLD.id, current=OLD.id, failure=failed())

    assert decided(down).steps == (Start(OLD, "the service is down"),)
    assert decided(down, new).steps == (Start(OLD, "the service is down"),)


def test_meanwhile_the_next_look_is_the_one_that_the_confirmed_release_needs_if_that_is_sooner():
    wakes = at_work(waking(OLD), runs=None, confirmed=OLD.id, current=OLD.id)

    assert (decided(wakes).look_again, decided(wakes).target) == (timedelta(seconds=1), NEW)


def test_meanwhile_a_rollout_that_may_still_succeed_goes_on_serving():
    todo = decided(at_work(waking(STRANGER), runs=None, on_disk=(OLD, STRANGER), confirmed=OLD.id, current=OLD.id))

    assert (todo.steps, todo.look_again) == ((), timedelta(seconds=12))


def test_meanwhile_one_that_has_failed_gives_way_to_the_confirmed_release():
    deaf = process(STRANGER, liveness=answer(None, failures=3))
    todo = decided(
        at_work(deaf, runs=None, on_disk=(OLD, STRANGER), confirmed=OLD.id, current=OLD.id, failure=failed())
    )

    assert isinstance(todo.steps[-1], Start)
    assert (todo.steps[-1].release, todo.steps[-1].manner.way) == (OLD, Way.RESTART)
    assert todo.steps[-1].because.startswith("main@sha1:6f6c6400 is to run and does not; restart: ")


def test_meanwhile_the_disk_is_cleared_of_everything_but_what_is_being_made():
    todo = decided(at_work(partial=frozenset({NEW.venv, "venv-9"}), remains=frozenset({STRANGER.id, NEW.id})))

    assert todo.steps == (
        Prune(frozenset({STRANGER.id}), frozenset({"venv-9"}), frozenset(), "the last 1 good releases stay"),
    )


def test_while_its_code_waits_for_another_try_its_environment_stays():
    todo = decided(vm(runs=OLD, on_disk=(OLD,), venvs=frozenset({OLD.venv, NEW.venv}), failure=failed("Build")))

    assert (todo.steps, todo.reason) == ((), Reason.BUILD_FAILED)


def test_what_is_made_for_another_release_is_given_up_first():
    todo = decided(at_work(building=building(STRANGER)))

    assert verbs(todo) == ["Abandon", "Prepare"]
    assert todo.steps[0] == Abandon(STRANGER.venv, FOR_ANOTHER)
    assert todo.look_again == timedelta(0)


@pytest.mark.parametrize("state", BuildState)
def test_whatever_has_become_of_it_nothing_is_left_of_what_is_not_wanted(state: BuildState):
    settled = vm(runs=NEW, on_disk=(NEW,), building=building(STRANGER, state=state))
    todo = decided(settled)

    assert (todo.steps, todo.look_again) == ((Abandon(STRANGER.venv, FOR_ANOTHER),), timedelta(seconds=1))


def test_one_that_was_killed_when_all_was_done_is_forgotten_and_one_that_is_about_to_end_is_let():
    lost = vm(runs=NEW, on_disk=(NEW,), building=building(state=BuildState.LOST))
    ends = vm(runs=NEW, on_disk=(NEW,), building=building())

    assert verbs(decided(lost)) == ["Abandon"]
    assert decided(ends).steps == ()


def test_nothing_is_made_for_a_release_that_is_rejected():
    todo = decided(at_work(rejected={NEW.id: rejection(NEW)}))

    assert todo.steps == (Abandon(NEW.venv, "nothing is to be built now"),)
    assert todo.reason is Reason.REVISION_REJECTED


def test_a_rejection_that_leaves_nothing_to_go_back_to_stops_no_build():
    todo = decided(at_work(runs=None, on_disk=(), rejected={NEW.id: rejection(NEW)}))

    assert (todo.steps, todo.reason) == ((), Reason.PROGRESSING)


def test_a_stopped_vm_builds_nothing():
    todo = decided(at_work(stopped=True))

    assert todo.steps == (Abandon(NEW.venv, "nothing is to be built now"), Retire(OLD.id, "stopped on this VM"))
    assert decided(at_work(runs=None, stopped=True)).look_again == timedelta(seconds=1)


def test_a_step_of_the_fallback_that_failed_waits_while_the_build_goes_on():
    down = at_work(runs=None, confirmed=OLD.id, current=OLD.id, failure=failed(f"Start {OLD.id}"))
    todo = decided(down)

    assert (todo.steps, todo.reason) == ((), Reason.BUILD_FAILED)


def test_a_cool_down_of_the_confirmed_release_is_kept_during_a_build():
    down = at_work(runs=None, confirmed=OLD.id, current=OLD.id, last_start=started(OLD, age=1, count=2))

    assert (decided(down).steps, decided(down).look_again) == ((), timedelta(seconds=5))


def test_where_healing_is_off_it_is_off_during_a_build():
    old = without_healing(OLD)
    deaf = process(old, liveness=answer(None, failures=3))
    todo: Plan = decided(at_work(deaf, runs=None, on_disk=(old,), confirmed=old.id, current=old.id))

    assert (todo.steps, todo.target) == ((), NEW)


def test_two_environments_are_never_made_at_once():
    other = release_of("other", venv="venv-3")
    todo = decided(vm(runs=OLD, on_disk=(OLD,), building=building(other)))

    assert [type(step) for step in todo.steps] == [Abandon, Prepare]


def test_clearing_up_during_a_build_is_told_as_the_build():
    todo = decided(at_work(remains=frozenset({STRANGER.id})))

    assert isinstance(todo.steps[0], Prune)
    assert (todo.reason, todo.target, todo.look_again) == (Reason.PROGRESSING, OLD, timedelta(seconds=1))
    assert todo.message.startswith("building main@sha1:6e657700 (12 s)")


def test_one_that_crashed_once_and_is_well_still_serves_so_that_building_comes_first():
    world = vm(
        process(OLD, restarts=1), current=OLD.id, confirmed=OLD.id, on_disk=(OLD,), remains=frozenset({STRANGER.id})
    )

    assert verbs(decided(world)) == ["Prepare"]


WITH_MODEL = release_of("fine", spec_of(models=("mood",)), venv="venv-2")


def test_without_its_models_a_release_is_not_built_and_with_them_it_is():
    environment = frozenset({OLD.venv, WITH_MODEL.venv})
    lacking = vm(runs=OLD, on_disk=(OLD,), venvs=environment, partial_models=WITH_MODEL.models)
    whole = vm(runs=OLD, on_disk=(OLD,), venvs=environment, models=WITH_MODEL.models)

    assert decided(lacking, WITH_MODEL).steps == (
        Prepare(WITH_MODEL, "a model of main@sha1:66696e65 is not on this VM"),
    )
    assert verbs(decided(whole, WITH_MODEL)) == ["Build"]


def test_a_push_of_code_alone_goes_on_with_the_fetch_and_one_with_other_models_ends_it():
    fetching = Building(
        venv="venv-2", models=WITH_MODEL.models, since=ago(12), state=BuildState.RUNNING, doing="fetching"
    )
    newer = release_of("newer", spec_of(models=("mood",)), venv="venv-2")
    todo = decided(at_work(building=fetching), newer)
    assert (todo.steps, todo.message) == ((), "building main@sha1:6e657765 (12 s): fetching")

    assert decided(at_work(building=fetching)).steps[0] == Abandon("venv-2", "main@sha1:6e657700 needs other models")


def test_what_has_come_of_a_model_stays_while_it_is_still_wanted():
    waits = at_work(building=None, partial_models=WITH_MODEL.models | {"given-up"}, failure=failed(release=WITH_MODEL))

    assert decided(waits, WITH_MODEL).steps == (
        Prune(frozenset(), frozenset(), frozenset({"given-up"}), "the last 1 good releases stay"),
    )
