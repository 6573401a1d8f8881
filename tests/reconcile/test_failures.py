"""Steps that fail: never a tight loop, never a dead service in front of a release that could serve."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.errors import AgentError
from agent.observed import Cure
from agent.release import Release
from tests.memory import Fault, MemoryHost
from tests.memory.program import CRASHES
from tests.reconcile.drive import assert_runs, run, settle
from tests.reconcile.scenarios import BROKEN, MOVED, NEW, NEWEST, OLD, STALLED, TRANSIENT

ERRORS = {"time": TRANSIENT, "push": STALLED, "operator": BROKEN}
HOURS = timedelta(hours=6)
A_LOT = 10**6
MOST = HOURS / timedelta(minutes=5) + 10
"""So many tries in that time are allowed to something that keeps failing."""


def serving(release: Release) -> MemoryHost:
    host = MemoryHost()
    host.push(release)
    settle(host)
    return host


def tries(host: MemoryHost, verb: str, release: Release) -> float:
    return A_LOT - host.faults[verb, release.id].times


@pytest.mark.parametrize("cure", ERRORS)
@pytest.mark.parametrize("verb", ["unpack", "publish", "install", "record", "start", "promote", "confirm"])
def test_a_step_of_a_first_deploy_that_keeps_failing_is_tried_all_day_at_growing_pauses(verb: str, cure: str):
    host, error = MemoryHost(), ERRORS[cure]
    host.push(NEW)
    host.fail(verb, NEW, error, A_LOT)

    run(host, host.now() + HOURS)

    assert HOURS / timedelta(minutes=6) <= tries(host, verb, NEW) <= MOST
    assert (host.ledger.failure.reason, host.ledger.failure.cure) == (error.reason, Cure(cure))
    assert not host.ledger.rejected


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("verb", ["unpack", "publish", "install", "record", "start"])
def test_a_step_that_keeps_failing_leaves_the_old_release_serving(verb: str, error: AgentError):
    host = serving(OLD)
    host.push(NEW)
    host.fail(verb, NEW, error, A_LOT)

    run(host, host.now() + HOURS)

    assert host.is_well(OLD.id)
    assert 1 <= tries(host, verb, NEW) <= MOST
    given_up = error is not BROKEN or verb in ("record", "start")
    assert (NEW.id in host.ledger.rejected) == given_up


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("verb", ["promote", "confirm"])
def test_a_healthy_release_is_not_given_up_for_a_record_that_cannot_be_written(verb: str, error: AgentError):
    host = serving(OLD)
    host.push(NEW)
    host.fail(verb, NEW, error, A_LOT)

    run(host, host.now() + HOURS)

    assert host.is_well(NEW.id)
    assert not host.ledger.rejected
    assert tries(host, verb, NEW) <= MOST


@pytest.mark.parametrize("verb", ["retire", "reject"])
def test_a_sick_release_that_cannot_be_got_rid_of_is_no_tight_loop(verb: str):
    host = serving(OLD)
    host.services.programs[NEW.id] = CRASHES
    host.push(NEW)
    host.fail(verb, NEW, BROKEN, A_LOT)

    run(host, host.now() + HOURS)

    assert 1 <= tries(host, verb, NEW) <= MOST
    host.faults.clear()
    settle(host)
    assert_runs(host, OLD)


def test_where_both_releases_fail_to_start_neither_makes_the_agent_forget_the_other():
    host = serving(OLD)
    host.push(NEW)
    for release in (OLD, NEW):
        host.fail("start", release, BROKEN, A_LOT)

    run(host, host.now() + HOURS)

    assert tries(host, "start", OLD) + tries(host, "start", NEW) <= MOST
    host.faults.clear()
    settle(host)
    assert_runs(host, OLD)


def test_where_the_disk_is_full_building_and_clearing_up_wait_for_each_other():
    host = serving(OLD)
    host.remains.add(NEWEST.id)
    host.push(NEW)
    host.fail("publish", NEW, BROKEN, A_LOT)
    host.faults["prune", ""] = host.faults["publish", NEW.id]

    run(host, host.now() + HOURS)

    assert tries(host, "publish", NEW) <= 2 * MOST
    assert host.is_well(OLD.id)
    host.faults.clear()
    settle(host)
    assert_runs(host, NEW)


def test_clearing_up_that_fails_does_not_hold_up_healing():
    host = serving(OLD)
    host.remains.add(NEWEST.id)
    host.faults["prune", ""] = Fault(BROKEN, A_LOT)
    run(host, host.now() + timedelta(hours=1))
    host.services.stop(OLD.id)
    down = host.now()

    run(host, down + timedelta(minutes=1))

    assert host.times("start", OLD)[-1] - down < timedelta(seconds=1)
    assert host.is_well(OLD.id)


def test_a_stop_that_fails_is_tried_again_at_growing_pauses():
    host = serving(OLD)
    host.stopped = True
    host.fail("retire", OLD, BROKEN, A_LOT)

    run(host, host.now() + HOURS)

    assert 1 <= tries(host, "retire", OLD) <= MOST
    host.faults.clear()
    run(host, host.now() + timedelta(minutes=6))
    assert not host.services.lives


def test_somebody_who_edits_a_unit_again_and_again_is_no_tight_loop():
    host = serving(OLD)
    host.journal.clear()

    run(host, host.now() + timedelta(hours=1), watch=lambda host: host.services.tamper(OLD.id))

    assert len(host.times("install", OLD)) > 100
    assert host.is_well(OLD.id)
    assert len(host.times("start", OLD)) == 0


def test_a_release_whose_units_are_refused_stops_nothing_and_runs_as_soon_as_they_are_not():
    """As where somebody else has its port."""
    host = serving(OLD)
    host.push(MOVED)
    host.fail("install", MOVED, BROKEN)

    run(host, host.now() + HOURS)

    assert (host.times("retire", OLD), host.times("start", MOVED), host.ledger.rejected) == ([], [], {})
    assert host.reports[-1].plan.reason is BROKEN.reason
    host.faults.clear()
    settle(host)
    assert_runs(host, MOVED)
