"""When a failed step is tried again, when it is forgotten, and what is told where nothing can be written or seen."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from agent.errors import Reason
from agent.observed import Cure
from agent.reconcile import reconcile
from agent.release import Release
from tests.memory import MemoryHost
from tests.reconcile.drive import assert_runs, one_pass, run, settle
from tests.reconcile.scenarios import BROKEN, NEW, NEWEST, OLD, STALLED, TRANSIENT

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


def test_the_pauses_are_those_declared_and_the_count_is_of_tries_in_a_row():
    host = serving(OLD)
    host.push(NEW)
    host.fail("build", NEW, BROKEN, A_LOT)

    run(host, host.now() + timedelta(minutes=2))

    failed = host.times("failed", NEW)
    gaps = [later - earlier for earlier, later in pairwise(failed)]
    assert gaps == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert (host.ledger.failure.step, host.ledger.failure.count) == ("Prepare", 4)
    assert host.ledger.failure.cure is Cure.OPERATOR


def test_what_failed_is_forgotten_once_it_has_succeeded():
    host = serving(OLD)
    host.push(NEW)
    host.fail("build", NEW, TRANSIENT, 2)

    settle(host)

    assert host.ledger.failure is None
    assert_runs(host, NEW)


def test_a_release_that_waits_for_its_turn_is_not_built_again():
    host = serving(OLD)
    host.push(NEW)
    host.fail("install", NEW, TRANSIENT, 2)

    settle(host)

    assert len(host.times("publish", NEW)) == 1
    assert_runs(host, NEW)


def test_a_new_push_does_not_wait_for_the_failure_of_the_one_before():
    host = serving(OLD)
    host.push(NEW)
    host.fail("build", NEW, BROKEN, A_LOT)
    run(host, host.now() + timedelta(hours=1))
    host.push(NEWEST)
    pushed = host.now()

    settle(host)

    assert_runs(host, NEWEST)
    assert host.times("publish", NEWEST) == [pushed]


def test_a_failure_that_cannot_be_written_down_is_reported_all_the_same():
    host = serving(OLD)
    host.push(NEW)
    host.fail("build", NEW, BROKEN)
    host.fail("failed", NEW, BROKEN)
    one_pass(host)

    report = one_pass(host)

    assert (report.failure, report.done) == (BROKEN, ())


def test_a_service_manager_that_does_not_answer_is_reported_and_nothing_is_done_blindly():
    host = serving(OLD)
    host.push(NEW)
    host.fail("observe", NEW, BROKEN)
    host.journal.clear()

    report = reconcile(host)

    assert (report.failure, report.plan, report.done) == (BROKEN, None, ())
    assert report.failure.reason is Reason.SERVICE_MANAGER_FAILED
    assert [verb for _, verb, _ in host.journal] == ["accept"]


def test_a_service_manager_that_dies_after_the_steps_does_not_hide_them():
    host = serving(OLD)
    host.push(NEW)
    host.fail("observe", NEW, BROKEN, spared=1)

    report = reconcile(host)

    assert report.failure is BROKEN
    assert [type(step).__name__ for step in report.done] == ["Prepare"]
    assert report.observed.current == OLD.id
