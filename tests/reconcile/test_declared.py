"""Pushes that come at the wrong time, and releases that come back."""

from __future__ import annotations

from datetime import timedelta

from agent.errors import Reason, Stalled, Transient
from tests.memory import MemoryHost, release_of, spec_of
from tests.memory.program import CRASHES, SLOW
from tests.reconcile.drive import assert_runs, run, settle, until
from tests.reconcile.scenarios import NEW, NEWEST, OLD, runs

INVALID = Stalled(Reason.INVALID_SPEC, "desired-state.yaml:3: service.port: 80 is privileged")
UNREACHABLE = Transient(Reason.GIT_OPERATION_FAILED, "the remote does not answer")


def serving() -> MemoryHost:
    host = MemoryHost()
    host.push(OLD)
    settle(host)
    return host


def test_the_newest_declared_wins_in_the_middle_of_a_rollout():
    host = serving()
    host.services.programs[NEW.id] = SLOW
    host.push(NEW)
    until(runs(NEW))(host)
    host.push(NEWEST)

    settle(host)

    assert_runs(host, NEWEST)
    assert NEW.id not in host.ledger.good
    assert NEW.id not in host.ledger.rejected
    assert len(host.times("start", OLD)) == 1, "a rollout that may still succeed serves while the newest is built"


def test_a_sick_rollout_is_not_left_dead_while_the_newest_is_built():
    host = serving()
    host.services.programs[NEW.id] = CRASHES
    host.push(NEW)
    until(runs(NEW))(host)
    host.services.clock.advance(timedelta(seconds=1))
    host.push(NEWEST)

    settle(host)

    assert_runs(host, NEWEST)
    started = [(verb, on) for _, verb, on in host.journal if verb in ("start", "publish")][4:]
    assert started == [("start", OLD.id), ("publish", NEWEST.id), ("start", NEWEST.id)]


def test_a_rejected_release_is_not_tried_again_until_it_is_built_as_another_one():
    host = serving()
    host.services.programs[NEW.id] = CRASHES
    host.push(NEW)
    settle(host)
    starts = host.times("start", NEW)
    run(host, host.now() + timedelta(hours=6))

    assert host.times("start", NEW) == starts
    assert_runs(host, OLD)


def test_going_back_to_a_release_on_the_disk_builds_nothing():
    keep = spec_of(keep=3)
    first, second = release_of("first", keep), release_of("second", keep)
    host = MemoryHost()
    for release in (first, second, first):
        host.push(release)
        settle(host)

    assert len(host.times("publish", first)) == 1
    assert host.current == first.id
    assert host.built.keys() == {first.id, second.id}
