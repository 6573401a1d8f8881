"""How the traffic goes from one release to the next, and when it cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from agent.desired import Strategy
from agent.errors import Reason
from agent.observed import CROWDED, LastStart, Observed, Phase
from agent.plan._switch import cannot_stay
from agent.release import Release
from agent.steps import Confirm, HandOver, Manner, Promote, Reject, Retire, Start, Way
from tests.core.observing import ago, answer, decided, ended, process, rejection, started, verbs, vm, waking
from tests.memory import release_of, spec_of
from tests.memory.releases import ASGI, EXEC

PLAIN = release_of("plain", spec_of(program="exec: python -m app"), venv="venv-plain")
SOAK = timedelta(seconds=30)
MIB = 2**20


def launched(name: str, **settings: object) -> Release:
    return release_of(name, spec_of(program=ASGI, soak="30s", **settings), venv=f"venv-{name}")


OLD, NEW, THIRD = launched("old"), launched("new"), launched("third")


def switch(*processes: object, **facts: object) -> Observed:
    """OLD is current, confirmed, and has the traffic unless `facts` say otherwise."""
    usual = {"current": OLD.id, "confirmed": OLD.id, "good": (OLD.id,), "on_disk": (OLD, NEW)}
    return vm(*processes, **(usual | facts))


def test_a_new_release_is_started_beside_the_one_that_serves():
    todo = decided(switch(process(OLD, accepts=True)), NEW)

    assert verbs(todo) == ["Start"]
    why = "both take their visitors from the held socket"
    assert todo.message == f"starting main@sha1:6e657700 beside what runs ({why})"
    assert todo.steps[0].manner == Manner(Way.HANDOVER, why)
    assert todo.steps[0].because == f"main@sha1:6e657700 is to run and does not; handover: {why}"


def test_while_it_starts_nothing_happens_to_the_one_that_serves():
    assert decided(switch(process(OLD, accepts=True), waking(NEW)), NEW).steps == ()


def test_once_it_is_ready_a_reboot_is_to_start_it_then_it_gets_the_traffic_and_its_trial_begins():
    ready = switch(process(OLD, accepts=True), process(NEW, accepts=False))
    todo = decided(ready, NEW)

    assert todo.steps == (Promote(NEW.id, "its own process answers"), HandOver(NEW, frozenset({OLD.id}), "it is ready"))
    assert todo.message.endswith("; on trial for another 30 s")


def test_an_agent_that_died_between_the_two_goes_on_where_it_was():
    between = switch(process(OLD, accepts=True), process(NEW, accepts=False), current=NEW.id, promoted=ago(1))
    both = switch(process(OLD, accepts=True), process(NEW, accepts=True), current=NEW.id, promoted=ago(1))

    for world in (between, both):
        assert decided(world, NEW).steps == (HandOver(NEW, frozenset({OLD.id}), "it is ready"),)


def on_trial(*, since: float, new: object = None, old: object = None) -> Observed:
    return switch(
        old or process(OLD, accepts=False), new or process(NEW, accepts=True), current=NEW.id, promoted=ago(since)
    )


def test_on_trial_it_is_looked_at_as_often_as_its_readiness_says_and_the_one_before_is_kept_warm():
    todo = decided(on_trial(since=10), NEW)

    assert (todo.steps, todo.look_again) == ((), timedelta(seconds=5))
    assert decided(on_trial(since=28), NEW).look_again == timedelta(seconds=2)


@pytest.mark.parametrize("promoted", [None, ago(0)], ids=["nobody knows when", "now"])
def test_a_trial_that_has_just_begun_lasts_as_long_as_was_declared(promoted: datetime | None):
    world = replace(on_trial(since=1), promoted=promoted)

    assert decided(world, NEW).message.endswith("; on trial for another 30 s")


@pytest.mark.parametrize("since", [30, 3600, -60], ids=["just over", "long over", "the clock was set back"])
def test_after_its_trial_it_is_confirmed_and_then_the_one_before_is_stopped(since: float):
    todo = decided(on_trial(since=since), NEW)
    after = replace(on_trial(since=since), confirmed=NEW.id)

    assert todo.steps == (Confirm(NEW, "GET / answered 200"),)
    assert decided(after, NEW).steps == (Retire(OLD.id, "only main@sha1:6e657700 is to run"),)


def test_of_two_that_answer_only_the_one_with_the_traffic_and_the_one_to_go_back_to_stay():
    stray = process(THIRD, accepts=True)
    world = replace(on_trial(since=1), releases={each.id: each for each in (OLD, NEW, THIRD)})
    todo = decided(replace(world, processes=(*world.processes, stray)), NEW)

    assert todo.steps == (
        HandOver(NEW, frozenset({OLD.id, THIRD.id}), "it is ready"),
        Retire(THIRD.id, "only main@sha1:6e657700 is to run"),
    )


@pytest.mark.parametrize("stray", [{"accepts": True, "readiness": answer(500)}, {"accepts": False}])
def test_who_is_neither_current_nor_confirmed_and_answers_nobody_gives_way(stray: dict[str, object]):
    world = switch(process(OLD, accepts=True), process(THIRD, **stray), on_disk=(OLD, NEW, THIRD))

    assert [*decided(world, NEW).steps[:1]] == [Retire(THIRD.id, "gives way to main@sha1:6e657700")]


def test_one_that_ends_on_trial_gives_the_traffic_back_before_it_is_stopped():
    todo = decided(on_trial(since=10, new=ended(NEW)), NEW)

    assert verbs(todo) == ["Reject", "Promote", "HandOver", "Retire"]
    assert todo.steps[2] == HandOver(OLD, frozenset({NEW.id}), "it is ready")


def crowded(*, opens: tuple[int, ...] = (9100,), **facts: object) -> Observed:
    """NEW was started beside OLD and ended, because OLD has a port that both open by themselves."""
    ending = waking(NEW, phase=Phase.FAILED, pid=None, readiness=None, exit=CROWDED)
    return switch(process(OLD, accepts=True, opens=frozenset(opens)), ending, **facts)


CROWDED_OUT = "the process found a port in use that it opens itself"


def test_one_that_opens_a_port_which_the_one_before_has_is_started_alone_and_visitors_wait():
    because = "only one can have port 9100"
    todo = decided(crowded(), NEW)

    alone = Start(NEW, f"it starts alone: {because}", Manner(Way.RESTART, because))
    assert todo.steps == (Retire(NEW.id, because), Retire(OLD.id, because, interrupts=True), alone)
    assert (todo.reason, todo.look_again, todo.target) == (Reason.PROGRESSING, timedelta(0), NEW)
    assert todo.message == (
        "main@sha1:6e657700 could not start beside what runs: only one can have port 9100; "
        "visitors wait while it starts alone"
    )


def test_a_unit_that_is_not_as_it_has_to_be_is_mended_first():
    todo = decided(crowded(opens=(9101, 9100), installed=frozenset({OLD.id})), NEW)

    assert verbs(todo) == ["InstallUnits", "Retire", "Retire", "Start"]
    assert "only one can have port 9100, 9101;" in todo.message


def test_it_has_the_pause_before_it_that_every_start_has():
    todo = decided(crowded(last_start=started(NEW, age=1)), NEW)

    assert (todo.steps, todo.look_again) == ((), timedelta(seconds=1))


def test_also_where_nothing_may_be_healed():
    spec = NEW.spec.model_copy(update={"sync": spec_of(self_heal=False).sync})
    new = release_of("new", spec, venv="venv-new")
    old, ending = crowded().processes
    world = switch(old, replace(ending, release=new.id), current=new.id, confirmed=new.id, on_disk=(OLD, new))

    assert verbs(decided(world, new)) == ["Retire", "Retire", "Start"]


def test_where_nothing_may_be_interrupted_it_is_rejected_and_says_why():
    new = _with(strategy=Strategy.HANDOVER)
    old, ending = crowded().processes
    world = switch(old, replace(ending, release=new.id), on_disk=(OLD, new))

    assert decided(world, new).steps[0] == Reject(new, Reason.PROCESS_EXITED, CROWDED_OUT)


def test_where_the_port_is_somebody_else_s_nothing_is_interrupted_for_it():
    moved = launched("moved", port=9000)
    elsewhere = process(moved, accepts=True, opens=frozenset({9100}))
    for world in (
        crowded(opens=()),
        replace(crowded(), processes=crowded().processes[1:]),
        switch(elsewhere, crowded().processes[1], on_disk=(OLD, NEW, moved)),
    ):
        assert Reject(NEW, Reason.PROCESS_EXITED, CROWDED_OUT) in decided(world, NEW).steps


@pytest.mark.parametrize(
    "facts", [{"phase": Phase.RUNNING, "pid": 9}, {"phase": Phase.DEACTIVATING}, {"exit": "it exited"}]
)
def test_only_one_that_ended_so_and_is_down_is_started_alone(facts: dict[str, object]):
    old, ending = crowded().processes
    assert "alone" not in decided(switch(old, replace(ending, **facts)), NEW).message


def test_on_trial_one_bad_answer_is_no_verdict_and_as_many_as_the_probe_says_are():
    once = decided(on_trial(since=10, new=process(NEW, accepts=True, readiness=answer(500))), NEW)
    thrice = decided(on_trial(since=10, new=process(NEW, accepts=True, readiness=answer(500, failures=3))), NEW)

    assert once.steps == ()
    assert isinstance(thrice.steps[0], Reject)


def test_one_that_failed_before_it_had_the_traffic_leaves_the_one_that_serves_alone():
    todo = decided(switch(process(OLD, accepts=True), ended(NEW)), NEW)

    assert verbs(todo) == ["Reject", "Retire"]
    assert todo.steps[1].release == NEW.id


def test_where_nothing_is_kept_warm_what_is_ill_still_gives_way_and_visitors_wait():
    todo = decided(on_trial(since=10, new=ended(NEW), old=ended(OLD)), NEW)

    assert verbs(todo) == ["Reject", "Retire"]


def test_a_push_during_a_trial_confirms_what_is_well_before_anything_else():
    todo = decided(on_trial(since=1), THIRD)

    assert todo.steps == (Confirm(NEW, "GET / answered 200 when main@sha1:74686972 was declared"),)
    assert (todo.reason, todo.look_again) == (Reason.PROGRESSING, timedelta(0))
    assert todo.message == "main@sha1:6e657700 is running; main@sha1:74686972 is next"


def test_a_push_during_a_trial_confirms_one_that_gave_a_single_bad_answer_and_not_one_that_starts():
    once = process(NEW, accepts=True, readiness=answer(500))

    assert verbs(decided(on_trial(since=1, new=once), THIRD)) == ["Confirm"]
    assert "Confirm" not in verbs(decided(on_trial(since=1, new=waking(NEW)), THIRD))


def test_a_push_during_a_trial_does_not_confirm_what_is_ill():
    todo = decided(on_trial(since=1, new=process(NEW, accepts=True, liveness=answer(None, failures=3))), launched("x"))

    assert "Confirm" not in verbs(todo)


def test_two_copies_that_do_not_fit_are_never_started_and_the_numbers_are_said():
    large = process(OLD, accepts=True, memory=1000 * MIB)
    todo = decided(switch(large, free_memory=1100 * MIB), NEW)

    assert verbs(todo) == ["Retire", "Start"]
    assert todo.message.endswith("visitors wait meanwhile (two copies do not fit: 1200 MiB needed, 1100 MiB free)")
    assert todo.steps[1].manner == Manner(Way.RESTART, "two copies do not fit: 1200 MiB needed, 1100 MiB free")
    fits = decided(switch(large, free_memory=1200 * MIB), NEW)
    assert verbs(fits) == ["Start"]
    assert fits.steps[0].because.endswith("and two copies fit: 1200 MiB needed, 1200 MiB free")


def test_the_largest_that_would_stay_counts_and_what_nobody_knows_the_size_of_is_no_obstacle():
    both = switch(process(OLD, accepts=False, memory=10 * MIB), process(THIRD, memory=1000 * MIB), current=THIRD.id)
    both = replace(both, releases={each.id: each for each in (OLD, NEW, THIRD)})

    assert "1200 MiB needed" in cannot_stay(NEW, replace(both, free_memory=1100 * MIB))
    assert cannot_stay(NEW, switch(process(OLD, accepts=True), free_memory=0)) == ""
    assert cannot_stay(NEW, switch(free_memory=0)) == ""


def test_what_one_of_its_kind_needed_counts_rather_than_what_another_kind_has():
    local = replace(NEW, spec=NEW.spec.model_copy(update={"mode": "local"}))
    small, large = process(OLD, accepts=True, memory=150 * MIB), process(OLD, accepts=True, memory=1000 * MIB)
    for beside, known, fits in ((small, 1000, False), (large, 150, True), (small, 0, True), (large, 0, False)):
        world = replace(switch(beside, free_memory=400 * MIB), sizes={local.kind: known * MIB} if known else {})
        assert (cannot_stay(local, world) == "") is fits
    alike = replace(NEW, venv=OLD.venv)
    grown = replace(switch(large, free_memory=400 * MIB), sizes={alike.kind: 150 * MIB})
    assert "1200 MiB needed" in cannot_stay(alike, grown)


def test_who_asks_for_a_handover_gets_it_whatever_is_free_and_who_asks_for_a_restart_gets_that():
    tight = switch(process(OLD, accepts=True, memory=1000 * MIB), free_memory=0)
    assert verbs(decided(tight, _with(strategy=Strategy.HANDOVER))) == ["Build"]
    for strategy, steps in ((Strategy.HANDOVER, ["Start"]), (Strategy.RESTART, ["Retire", "Start"])):
        new = _with(strategy=strategy)
        world = replace(tight, releases={OLD.id: OLD, new.id: new}, installed=frozenset({OLD.id, new.id}))
        todo = decided(world, new)
        assert verbs(todo) == steps
        assert str(todo.steps[-1].manner) == f"{strategy}: rollout.strategy: {strategy}"
    assert todo.message.endswith(": visitors wait meanwhile (rollout.strategy: restart)")


def _with(**rollout: object) -> Release:
    spec = NEW.spec.model_copy(update={"rollout": NEW.spec.rollout.model_copy(update=rollout)})
    return release_of("other", spec, venv="venv-new")


def test_one_that_listens_elsewhere_or_opens_its_port_itself_cannot_be_beside_and_that_is_said():
    taker = "a program that takes the held socket itself (rollout.strategy: handover would hand it over)"
    for other, why in (
        (launched("moved", port=9000), "what runs listens elsewhere than at 0.0.0.0:9000"),
        (release_of("taker", spec_of(), venv="venv-taker"), taker),
        (PLAIN, "a program that opens its port itself"),
    ):
        todo = decided(switch(process(OLD, accepts=True), on_disk=(OLD, other)), other)
        assert verbs(todo) == ["Retire", "Start"]
        assert todo.steps[1].manner == Manner(Way.RESTART, why)
        assert todo.message.endswith(f"{'nobody answers' if other is PLAIN else 'visitors wait'} meanwhile ({why})")
    after = decided(vm(runs=PLAIN, on_disk=(PLAIN, NEW)), NEW)
    assert after.steps[1].manner == Manner(Way.RESTART, "what runs does not share its socket")


def test_only_what_answers_and_leaves_nobody_behind_is_interrupted():
    deaf, third = process(OLD, readiness=answer(500)), process(THIRD, accepts=False)
    plain = {"on_disk": (OLD, PLAIN)}
    for world, new, interrupts in (
        (switch(process(OLD, accepts=True), **plain), PLAIN, True),
        (switch(deaf, **plain), PLAIN, False),
        (switch(process(OLD, accepts=True), third, on_disk=(OLD, NEW, THIRD)), NEW, False),
    ):
        retired = next(step for step in decided(world, new).steps if isinstance(step, Retire))
        assert retired.interrupts is interrupts
    warm = switch(process(OLD, accepts=True), third, on_disk=(OLD, PLAIN, THIRD))
    assert {step.release: step.interrupts for step in decided(warm, PLAIN).steps if isinstance(step, Retire)} == {
        OLD.id: True,
        THIRD.id: False,  # nobody visits it: its end is no later beginning of the silence
    }
    stopped = decided(switch(process(OLD, accepts=True), stopped=True), NEW)
    assert [step.interrupts for step in stopped.steps] == [False]


def test_what_ran_was_stopped_for_it_also_where_the_agent_was_cut_off_in_between():
    for stopped, began, way in ((None, None, Way.START), (ago(5), None, Way.RESTART), (ago(5), ago(9), Way.RESTART)):
        last = LastStart(release=OLD.id, at=began, count=0) if began else None
        (start,) = decided(switch(interrupted=stopped, last_start=last), NEW).steps
        assert start.manner.way is way
    since = switch(interrupted=ago(9), last_start=LastStart(release=OLD.id, at=ago(5), count=0))
    assert decided(since, NEW).steps[0].manner.way is Way.START


@pytest.mark.parametrize("before", [ASGI, EXEC], ids=["after an app", "after a program"])
def test_a_program_that_takes_the_socket_itself_is_handed_over_where_that_is_asked_for(before: str):
    old, new = (
        release_of(name, spec_of(program=program, soak="30s", handover=True), venv=f"venv-{name}")
        for name, program in (("before", before), ("after", EXEC))
    )
    facts = {"current": old.id, "confirmed": old.id, "good": (old.id,), "on_disk": (old, new)}

    assert verbs(decided(vm(process(old, accepts=True), **facts), new)) == ["Start"]
    ready = vm(process(old, accepts=True), process(new, accepts=False), **facts)
    assert verbs(decided(ready, new)) == ["Promote", "HandOver"]


def test_the_confirmed_release_is_what_a_reboot_starts_before_it_is_started_again():
    """A visitor at the held socket would else start the rejected one."""
    rejected = switch(current=NEW.id, on_disk=(OLD, NEW), rejected={NEW.id: rejection(NEW)})
    todo = decided(rejected, NEW)

    assert todo.steps == (Promote(OLD.id, "it proved healthy before"), Start(OLD, "the service is down"))
    assert todo.reason is Reason.PROGRESSING
