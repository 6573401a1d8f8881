"""Every imaginable world is driven until it rests. The host refuses, at each step, what must never happen."""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.apply import apply
from agent.errors import AgentError, Reason
from agent.observed import Pause
from agent.plan import plan, tag
from tests.core.world import Runs, World
from tests.core.worlds import builds, crowded, fetches, handovers, histories, settings, structures
from tests.memory import MemoryHost
from tests.memory.services import Life

LONGEST = timedelta(seconds=60)
"""The rollout's deadline and the pauses these releases declare are over several times by then."""
LONG_AGO = 700
"""Seconds after which nothing differs any more: longer than any of those, and than it takes to forget a start."""
MANY = 6
"""So many tries are more than any of these releases allows, and their pauses grow no longer."""


@pytest.fixture(autouse=True)
def uncollected() -> Iterator[None]:
    """Worlds have no cycles, and all that is known of them is looked through at each collection: a quarter of the time."""
    gc.disable()
    yield
    gc.enable()


def key(host: MemoryHost) -> Hashable:
    """All there is in a world, in seconds that count from now: two worlds with the same key have the same future."""
    ledger, now = host.ledger, host.now()
    last, failure = ledger.last_start, ledger.failure
    return (
        frozenset(host.built),
        frozenset(host.remains),
        frozenset(host.venvs),
        frozenset(host.partial),
        frozenset(host.models),
        frozenset(host.partial_models),
        _making(host),
        host.current,
        host.promoted and min((host.now() - host.promoted).total_seconds(), LONG_AGO),
        (ledger.accepted and ledger.accepted.id, ledger.confirmed, ledger.good, frozenset(ledger.rejected)),
        (last.release, _ago(last.at, now), min(last.count, MANY)) if last else None,
        (failure.step, failure.cure, min(failure.count, MANY), _ago(failure.at, now)) if failure else None,
        frozenset(host.services.files.items()),
        host.services.listen,
        frozenset(host.services.programs.items()),
        frozenset(_life(life, now) for life in host.services.lives.values()),
    )


def _life(life: Life, now: datetime) -> Hashable:
    leaves = life.leaves and life.leaves - now
    return (
        life.release.id,
        life.program,
        _ago(life.since, now),
        min(life.restarts, MANY),
        life.ended,
        leaves,
        life.accepts,
    )


def _making(host: MemoryHost) -> Hashable:
    making = host.making
    return making and (
        making.release.venv,
        making.release.models,
        _ago(making.since, host.now()),
        making.lost,
        str(making.error),
    )


def _ago(at: datetime, now: datetime) -> float:
    return min((now - at).total_seconds(), LONG_AGO)


class Futures:
    """Drives worlds. A state seen before is not driven again: its future is known."""

    def __init__(self) -> None:
        self.known: dict[Hashable, str] = {}

    def of(self, world: World) -> str:
        """The name of the release it rests on ("old" or "new"), or "restless"."""
        host, trace, ending = world.host(), dict[Hashable, datetime](), ""
        end = host.now() + LONGEST
        while not ending:
            state = (key(host), world.new.id)
            if state in self.known:
                ending = self.known[state]
            elif state in trace:
                assert trace[state] < host.now(), f"a tight loop from {world}"
                ending = "restless"
            else:
                trace[state] = host.now()
                pause = self._one_pass(host, world)
                ending = self._rest(host, world) if pause is None else "restless" if host.now() > end else ""
                host.services.clock.advance(pause or timedelta(0))
        self.known.update(dict.fromkeys(trace, ending))
        return ending

    def _one_pass(self, host: MemoryHost, world: World) -> timedelta | None:
        todo = plan(world.new, host.observe(world.new), host.now())
        for step in todo.steps:
            try:
                apply(step, host)
            except AgentError as failure:
                host.failed(world.new.id, tag(step, todo.target, world.new), failure)
                break
        assert todo.look_again is None or todo.look_again <= timedelta(minutes=5), f"too long a wait in {world}"
        assert todo.steps or todo.look_again != timedelta(0), f"a wait of no time in {world}"
        return todo.look_again

    def _rest(self, host: MemoryHost, world: World) -> str:
        """It plans nothing and waits for nothing: everything is as declared, in every field."""
        release = next((each for each in (world.old, world.new) if each.id == host.current), None)
        assert release, f"rests with nothing from {world}"
        assert [each.release for each in host.services.processes()] == [release.id], str(world)
        assert host.is_well(release.id), str(world)
        assert not release.spec.launched or host.services.lives[release.id].accepts, str(world)
        assert host.ledger.confirmed == release.id == host.ledger.good[-1], str(world)
        assert host.services.is_installed(release), str(world)
        assert host.services.listen == (release.spec.service.host, release.spec.service.port), str(world)
        assert host.services.files.keys() == {release.id} == host.built.keys(), str(world)
        assert host.venvs == {release.venv}, str(world)
        assert not host.remains, str(world)
        assert not host.partial, str(world)
        assert host.models == release.models, str(world)
        assert not host.partial_models, str(world)
        assert host.making is None, str(world)
        assert host.ledger.failure is None, str(world)
        assert release is world.new or world.new.id in host.ledger.rejected, str(world)
        known = world.confirmed == "new" and not world.on_trial()
        assert release is world.old or known or world.new.id not in host.ledger.rejected, str(world)
        return "old" if release is world.old else "new"


def expected(world: World) -> str:
    """What is to become of it. `restless`: there is nothing healthy to run, and what can be done is done again and again."""
    heals = world.new.spec.sync.self_heal.enabled
    if world.can_go_back() and world.gives_up():
        never_started = world.new_runs is not Runs.NOT or world.rejected or world.is_spent()
        return "restless" if world.old_runs is Runs.DEAF and never_started and not heals else "old"
    if world.can_go_back():
        return "new"
    proven = world.confirmed == world.current == "new"
    if proven and world.new_runs in (Runs.UNREADY, Runs.OVERDUE, Runs.BETWEEN):
        return "restless"  # alive, a restart is for the dead; and the service manager restarts it already
    if world.confirmed == "new" and world.new_runs is Runs.DEAF and not heals:
        return "restless"
    if (
        world.sick
        and world.new_runs not in (Runs.READY, Runs.WAKING)
        and not (proven and world.new_runs is Runs.READY_AGAIN)
    ):
        return "restless"
    return "new"


def check(worlds: Iterable[World]) -> int:
    futures, count = Futures(), 0
    for world in worlds:
        count += 1
        assert futures.of(world) == expected(world), str(world)
    return count


def test_every_structure_on_the_disk_and_every_process_converges_on_what_is_declared():
    assert check(structures()) == 4 * 3 * 3 * 3 * 4 * 11 * 2


def test_every_record_converges_on_what_is_declared():
    assert check(histories()) == 2 * 3 * 2 * 3 * 4 * 2 * 8 * 4


def test_every_build_that_is_under_way_or_ended_badly_converges_on_what_is_declared():
    assert check(builds()) == (6 * 4 - 2) * 3 * 2 * 3 * 4 * 2 * 2


def test_every_model_that_is_fetched_or_left_over_converges_on_what_is_declared():
    assert check(fetches()) == 2 * 2 * (2 * 3 * 7 - 4) * 2 * 2


def test_every_switch_of_the_traffic_converges_on_what_is_declared():
    assert check(handovers()) == 3 * (2 + 2) * 4 * 3 * (2 * 9 + 2) * 2


def test_every_switch_to_one_that_cannot_run_beside_another_converges_on_what_is_declared():
    assert check(crowded()) == 3 * (2 + 2) * 4 * 3 * 11


def test_every_setting_converges_on_what_is_declared():
    assert check(settings()) == 3 * 2 * 3 * 2 * 3 * 4 * 2 * 2 * 2


def test_whatever_runs_on_a_stopped_vm_is_stopped_and_stays_so():
    for world in (each for each in structures() if each.current == each.confirmed):
        host = world.host()
        host.stopped = True
        for step in plan(world.new, host.observe(world.new), host.now()).steps:
            apply(step, host)
        assert not host.services.lives, str(world)
        after = plan(world.new, host.observe(world.new), host.now())
        assert (after.steps, after.look_again) == ((), None), str(world)


def test_on_a_suspended_vm_nothing_is_ever_done():
    pause = Pause(reason="exam week", by="mood", since=datetime(2026, 1, 1, tzinfo=UTC))
    for world in (each for each in structures() if each.current == each.confirmed):
        observed = replace(world.host().observe(world.new), paused=pause)
        todo = plan(world.new, observed, observed.paused.since)
        assert (todo.steps, todo.reason) == ((), Reason.SUSPENDED), str(world)
