"""A release that somebody on the VM asked for runs until the next push, in every world."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from agent.apply import apply
from agent.earlier import earlier
from agent.errors import AgentError, Reason, Stalled
from agent.observed import Observed, Pin
from agent.plan import plan, tag
from tests.core.observing import NEW, OLD, ago, decided, ended, rejection, verbs, vm
from tests.core.world import Runs, World
from tests.core.worlds import BUILT, FAILED, NAMES, STARTS, handovers, pair
from tests.memory import MemoryHost, release_of

PIN = Pin(release=OLD.id, by="mood", since=ago(60))


def test_it_takes_the_place_of_what_is_declared_and_says_so():
    todo = decided(vm(runs=NEW, pinned=PIN))

    assert verbs(todo) == ["Retire", "Start"]
    assert todo.target == OLD


def test_when_it_runs_it_is_said_who_wanted_it_and_what_ends_it():
    todo = decided(vm(runs=OLD, pinned=PIN))

    assert (todo.steps, todo.reason, todo.target, todo.look_again) == ((), Reason.PINNED, OLD, None)
    told = "rolled back on this VM by mood: main@sha1:6f6c6400 runs until the next push; `gitops-vm resume` ends it"
    assert todo.message == told


def test_what_is_declared_and_built_stays_on_the_disk_meanwhile():
    todo = decided(vm(runs=OLD, pinned=PIN, good=(OLD.id,)))

    assert todo.steps == ()


def test_one_that_does_not_work_any_more_is_rejected_and_what_ran_before_returns():
    sick = vm(ended(OLD), confirmed=NEW.id, current=NEW.id, pinned=PIN)
    assert verbs(decided(sick)) == ["Reject", "Retire"]

    after = decided(replace(sick, processes=(), rejected={OLD.id: rejection(OLD)}))
    assert (verbs(after), after.target) == (["Start"], NEW)


def test_one_that_is_declared_or_not_on_the_disk_is_none():
    assert decided(vm(runs=NEW, pinned=replace(PIN, release=NEW.id))).reason is Reason.RECONCILIATION_SUCCEEDED
    assert decided(vm(runs=NEW, on_disk=(NEW,), pinned=PIN)).reason is Reason.RECONCILIATION_SUCCEEDED


def test_stopped_and_suspended_count_more():
    assert decided(vm(runs=OLD, pinned=PIN, stopped=True)).reason is Reason.STOPPED


def test_every_world_converges_on_the_release_that_was_asked_for():
    old_runs = (Runs.NOT, Runs.WAKING, Runs.READY, Runs.DEAF, Runs.ENDED)
    new_runs = (Runs.NOT, Runs.WAKING, Runs.READY, Runs.DEAF)
    worlds = product(BUILT[1::2], NAMES, (False, True), old_runs, new_runs, FAILED, STARTS)
    for built, confirmed, rejected, old, new, failed, starts in worlds:
        world = World(
            **pair(),
            built=built,
            current=confirmed,
            confirmed=confirmed,
            rejected=rejected,
            old_runs=old,
            new_runs=new,
            failed=failed,
            starts=starts,
        )
        host = world.host()
        host.ledger = host.ledger.pin(world.old.id, "mood", host.now())
        drive(host, world)
        back = confirmed == "new" and "new" in built
        unfit = old in (Runs.DEAF, Runs.ENDED)
        expected = world.new if back and unfit else world.old
        assert host.current == host.ledger.confirmed == expected.id, str(world)
        assert [each.release for each in host.services.processes()] == [expected.id], str(world)
        assert host.is_well(expected.id), str(world)
        assert world.new.id in host.built or "new" not in built, str(world)


def test_every_moment_of_a_switch_converges_on_the_release_that_was_asked_for():
    for world in handovers():
        if world.old_runs is Runs.DEAF:
            continue
        host = world.host()
        host.ledger = host.ledger.pin(world.old.id, "mood", host.now())
        drive(host, world)
        assert host.current == host.ledger.confirmed == world.old.id, str(world)
        assert [each.release for each in host.services.processes()] == [world.old.id], str(world)
        assert host.services.lives[world.old.id].accepts, str(world)


def drive(host: MemoryHost, world: World) -> None:
    """Passes until it rests. The host refuses what must never happen."""
    end = host.now() + timedelta(minutes=10)
    pause: timedelta | None = timedelta(0)
    while pause is not None:
        assert host.now() < end, f"restless: {world}"
        host.services.clock.advance(pause)
        todo = plan(world.new, host.observe(world.new), host.now())
        for step in todo.steps:
            try:
                apply(step, host)
            except AgentError as failure:
                host.failed(world.new.id, tag(step, todo.target, world.new), failure)
                break
        pause = todo.look_again


GOOD = tuple(release_of(f"release {number}") for number in range(3))


def seen(**facts: object) -> Observed:
    return vm(on_disk=GOOD, good=tuple(each.id for each in GOOD), **facts)


def test_the_last_good_release_that_is_not_declared_is_gone_back_to():
    assert earlier(GOOD[2], seen()) == GOOD[1]
    assert earlier(NEW, seen()) == GOOD[2]
    assert earlier(None, seen()) == GOOD[2]


def test_any_other_good_one_can_be_named_by_its_commit_or_release():
    digits = GOOD[0].revision.rpartition(":")[2]

    assert earlier(GOOD[2], seen(), digits[:20]) == GOOD[0]
    assert earlier(GOOD[2], seen(), GOOD[0].revision) == GOOD[0]
    assert earlier(GOOD[2], seen(), GOOD[0].id) == GOOD[0]


@pytest.mark.parametrize("wanted", ["abc", "feedbeef", GOOD[2].id, GOOD[0].revision.rpartition(":")[2][:4]])
def test_what_is_not_there_is_refused_with_what_is(wanted: str):
    with pytest.raises(Stalled) as refused:
        earlier(GOOD[2], seen(), wanted)

    assert refused.value.hint == "there is main@sha1:" + ", main@sha1:".join(
        each.revision.rpartition(":")[2][:8] for each in (GOOD[1], GOOD[0])
    )


def test_another_revision_ends_it_and_another_secret_does_not():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ledger = MemoryHost().ledger.accept(NEW).pin(OLD.id, "mood", at)

    assert ledger.accept(replace(NEW, secrets="other")).pinned == Pin(release=OLD.id, by="mood", since=at)
    assert ledger.accept(replace(NEW, app_revision=OLD.revision)).pinned is None
    assert ledger.accept(OLD).pinned is None
