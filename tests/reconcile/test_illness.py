"""A day with every kind of illness: what can serve serves, and nothing is started more often than it is declared."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from agent.errors import Reason
from agent.observed import Phase
from agent.release import Release
from tests.memory import MemoryHost, Program, release_of, spec_of
from tests.memory.program import CRASHES, ILL_LATER, UNFIT_FROM_THE_START
from tests.reconcile.drive import assert_runs, run, settle
from tests.reconcile.scenarios import BROKEN, NEW, OLD

DAY = timedelta(days=1)
FIRST, FACTOR, LONGEST = timedelta(seconds=2), 3, timedelta(minutes=5)
CALM = timedelta(minutes=10)


def ill(release: Release, program: Program) -> MemoryHost:
    host = MemoryHost()
    host.services.programs[release.id] = program
    host.push(release)
    return host


def assert_spaced(host: MemoryHost, release: Release) -> int:
    """Between two starts lies the declared pause, which grows until it proves healthy or has been calm. Returns how many."""
    starts, count, last = 0, 0, None
    for at, verb, on in host.journal:
        if on != release.id or verb not in ("record", "confirm"):
            continue
        if verb == "confirm":
            count = 0
            continue
        pause = min(FIRST * FACTOR ** min(count - 1, 9), LONGEST) if count else timedelta(0)
        assert last is None or at - last >= pause, (
            f"start {starts + 1} came {at - last} after the one before, not {pause}"
        )
        count = 1 if last and at - last > pause + CALM else count + 1
        starts, last = starts + 1, at
    return starts


@pytest.mark.parametrize("program", UNFIT_FROM_THE_START.values(), ids=UNFIT_FROM_THE_START)
def test_a_first_deploy_that_never_gets_well_is_tried_all_day_at_growing_pauses(program: Program):
    host = ill(OLD, program)

    run(host, host.now() + DAY)

    starts = assert_spaced(host, OLD)
    assert DAY / (LONGEST + timedelta(minutes=6)) < starts <= DAY / LONGEST + 10
    assert (host.ledger.confirmed, host.current, dict(host.ledger.rejected)) == (None, None, {})


@pytest.mark.parametrize("program", ILL_LATER.values(), ids=ILL_LATER)
def test_a_release_that_falls_ill_again_and_again_is_restarted_at_growing_pauses(program: Program):
    host = ill(OLD, program)

    run(host, host.now() + DAY)

    assert assert_spaced(host, OLD) <= DAY / LONGEST + 10
    assert host.ledger.confirmed == host.current == OLD.id


@pytest.mark.parametrize("program", UNFIT_FROM_THE_START.values(), ids=UNFIT_FROM_THE_START)
def test_a_sick_release_is_rejected_once_and_the_old_one_serves_from_then_on(program: Program):
    host = ill(NEW, program)
    host.push(OLD)
    settle(host)
    host.push(NEW)
    began = host.now()

    run(host, host.now() + timedelta(hours=3))

    assert_runs(host, OLD)
    assert [verb for _, verb, on in host.journal if on == NEW.id].count("reject") == 1
    assert host.times("start", NEW)[-1] - began < timedelta(minutes=10)
    assert len(host.times("start", OLD)) == 2


@pytest.mark.parametrize("program", ["falls deaf", "ends", "leaves"])
def test_a_release_that_was_well_and_has_ended_runs_again_within_a_minute(program: str):
    host = ill(OLD, ILL_LATER[program])
    settle(host)
    host.services.programs.pop(OLD.id)
    run(host, host.now() + timedelta(minutes=3))

    assert_runs(host, OLD)
    assert len(host.times("start", OLD)) == 2


def test_a_killed_process_comes_back_by_the_service_manager_alone():
    host = ill(OLD, Program())
    settle(host)
    host.services.crash(OLD.id)

    settle(host)

    assert_runs(host, OLD)
    assert len(host.times("start", OLD)) == 1
    assert host.services.processes()[0].restarts == 1


def test_a_confirmed_release_that_crashes_after_a_reboot_is_said_to_crash_and_never_rejected():
    host = ill(OLD, Program())
    settle(host)
    host.services.programs[OLD.id] = CRASHES
    host.reboot()

    run(host, host.now() + timedelta(minutes=30))

    assert host.reports[-1].plan.reason is Reason.PROCESS_EXITED
    assert "exited with status 1" in host.reports[-1].plan.message
    assert_spaced(host, OLD)


def test_a_release_that_ended_is_left_alone_where_healing_is_off():
    release = release_of("off", spec_of(self_heal=False))
    host = ill(release, ILL_LATER["ends"])
    settle(host)

    run(host, host.now() + timedelta(hours=1))

    assert len(host.times("start", release)) == 1
    assert [each.phase for each in host.services.processes()] == [Phase.FAILED]
    assert host.reports[-1].plan.reason is Reason.PROCESS_EXITED


def test_a_release_that_is_calm_for_a_while_begins_with_a_clean_sheet():
    host = ill(OLD, ILL_LATER["leaves"])
    run(host, host.now() + timedelta(minutes=10))
    assert host.ledger.last_start.count > 3
    host.services.programs.pop(OLD.id)
    run(host, host.now() + timedelta(minutes=20))

    host.services.stop(OLD.id)
    stopped = host.now()
    run(host, host.now() + timedelta(minutes=1))

    assert host.times("start", OLD)[-1] == stopped
    assert host.ledger.last_start.count == 1


def test_a_clock_that_is_set_back_delays_no_start():
    host = ill(OLD, CRASHES)
    run(host, host.now() + timedelta(hours=1))
    host.services.lives.clear()
    host.services.clock.advance(-timedelta(days=3))
    back = host.now()

    run(host, back + timedelta(seconds=1))

    assert host.times("start", OLD)[-1] == back


def test_a_fallback_that_cannot_be_started_is_tried_at_growing_pauses():
    host = ill(NEW, CRASHES)
    host.push(OLD)
    settle(host)
    host.fail("start", OLD, BROKEN)
    host.push(NEW)

    run(host, host.now() + DAY)

    tries = host.times("failed", NEW)
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert max(gaps) == LONGEST
    assert len(tries) <= DAY / LONGEST + 5
