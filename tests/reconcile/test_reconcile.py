"""A pass as a whole: what is declared, what is done, what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from agent.errors import Reason, Stalled, Transient
from agent.plan import plan
from agent.reconcile import FETCH_AGAIN, describe, next_look, reconcile
from agent.steps import Build, Prepare, Prune, Retire
from tests.memory import MemoryHost, release_of, spec_of
from tests.reconcile.drive import assert_runs, one_pass, run, settle, until
from tests.reconcile.scenarios import BROKEN, NEW, OLD, runs

INVALID = Stalled(Reason.INVALID_SPEC, "desired-state.yaml:3: service.port: 80 is privileged")
UNREACHABLE = Transient(Reason.GIT_OPERATION_FAILED, "the remote does not answer")


def serving() -> MemoryHost:
    host = MemoryHost()
    host.push(OLD)
    settle(host)
    return host


def test_before_anything_is_declared_nothing_is_planned():
    host = MemoryHost()

    report = reconcile(host)

    assert (report.plan, report.desired, report.done, next_look(report, at=host.now())) == (None, None, (), None)
    assert host.reports == [report]


def test_what_a_fetch_has_missed_is_fetched_again_without_a_poll_that_tells_of_it():
    host = serving()
    report = reconcile(host)
    assert next_look(report, at=host.now()) is None

    missed = replace(report, fetched=replace(report.fetched, error=UNREACHABLE, behind=True))

    assert next_look(missed, at=missed.at) == FETCH_AGAIN


def test_a_bad_push_keeps_the_last_good_release_in_force_and_is_told():
    host = serving()
    host.push(INVALID, "bad")
    host.services.stop(OLD.id)

    settle(host)

    assert_runs(host, OLD)
    assert (host.reports[-1].invalid, host.reports[-1].desired) == (INVALID, OLD)


def test_the_push_that_mends_it_needs_no_hand():
    host = serving()
    host.push(INVALID, "bad")
    settle(host)
    host.push(NEW)

    settle(host)

    assert_runs(host, NEW)
    assert host.reports[-1].invalid is None


def test_a_first_push_that_is_invalid_leaves_nothing_to_do():
    host = MemoryHost()
    host.push(INVALID, "bad")

    report = reconcile(host)

    assert (report.plan, report.invalid) == (None, INVALID)


def test_a_remote_that_does_not_answer_stops_neither_healing_nor_a_rollout():
    host = serving()
    host.push(NEW)
    one_pass(host)
    host.fetch_error = UNREACHABLE

    settle(host)

    assert_runs(host, NEW)
    assert host.reports[-1].fetched.error is UNREACHABLE


def test_a_lost_mirror_heals_from_what_was_accepted():
    host = serving()
    host.head, host.fetch_error = None, UNREACHABLE
    host.services.stop(OLD.id)

    settle(host)

    assert_runs(host, OLD)
    assert host.reports[-1].invalid is None


def test_a_release_is_accepted_once():
    host = serving()
    run(host, host.now() + timedelta(hours=1))

    assert len(host.times("accept", OLD)) == 1


def test_what_cannot_be_accepted_is_not_in_force():
    host = serving()
    host.push(NEW)
    host.fail("accept", NEW, BROKEN, 1)

    report = one_pass(host)

    assert (report.desired, report.invalid) == (OLD, BROKEN)
    settle(host)
    assert_runs(host, NEW)


def test_a_suspension_in_git_ends_by_itself_and_the_daemon_knows_when():
    until_noon = release_of("until noon", spec_of(suspend='{reason: exams, until: "2026-01-01T12:00:00Z"}'))
    host = MemoryHost()
    host.push(until_noon)

    report = reconcile(host)

    assert report.plan.reason is Reason.SUSPENDED
    assert next_look(report, at=host.now() + timedelta(hours=1)) == timedelta(hours=11)
    settle(host, within=timedelta(hours=13))
    assert host.times("start", until_noon)[0].hour == 12


def test_the_time_a_pass_took_is_no_part_of_the_pause():
    host = serving()
    host.push(NEW)
    until(runs(NEW))(host)
    report = reconcile(host)

    assert report.plan.look_again == timedelta(seconds=1)
    assert next_look(report, at=report.at + timedelta(milliseconds=400)) == timedelta(milliseconds=600)
    assert next_look(report, at=report.at + timedelta(minutes=1)) == timedelta(0)


def test_the_report_shows_the_vm_after_the_steps():
    host = serving()
    host.push(NEW)

    assert [type(step) for step in reconcile(host).done] == [Prepare]
    report = reconcile(host)

    assert report.done == (Build(NEW, report.done[0].because),)
    assert NEW.id in report.observed.releases


def test_a_step_is_told_in_one_line():
    assert describe(Build(NEW, "it is declared")) == "Build main@sha1:6e657700: it is declared"
    assert describe(Retire(NEW.id, "stopped on this VM")) == f"Retire {NEW.id}: stopped on this VM"
    assert describe(Prune(frozenset(), frozenset(), frozenset(), "the last 3 stay")) == "Prune: the last 3 stay"


def test_looking_twice_plans_the_same():
    host = serving()
    host.push(NEW)

    assert plan(NEW, host.observe(NEW), host.now()) == plan(NEW, host.observe(NEW), host.now())
