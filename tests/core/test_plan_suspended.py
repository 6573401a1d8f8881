"""Nothing is done where nothing is to be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from agent.errors import Reason
from agent.observed import Pause
from agent.plan import Plan
from agent.steps import Retire
from tests.core.observing import NOW, OLD, STRANGER, decided, ended, process, vm
from tests.memory import release_of, spec_of


def test_a_stopped_vm_stops_what_runs_and_then_rests():
    todo = decided(vm(process(STRANGER), runs=OLD, stopped=True))

    assert todo.steps == (Retire(OLD.id, "stopped on this VM"), Retire(STRANGER.id, "stopped on this VM"))
    assert (todo.reason, todo.target, todo.look_again) == (Reason.STOPPED, None, timedelta(seconds=1))
    assert todo.message == "stopped on this VM; `gitops-vm start` starts it"
    assert decided(vm(stopped=True)).look_again is None


def test_a_suspension_on_the_vm_lasts_until_it_is_resumed():
    todo = decided(vm(ended(OLD), paused=Pause(reason="exams", by="mood", since=NOW)))

    assert (todo.steps, todo.reason, todo.look_again) == ((), Reason.SUSPENDED, None)
    assert todo.message == "suspended on this VM by mood: exams; `gitops-vm resume` ends it"


def test_a_suspension_on_the_vm_may_end_by_itself():
    pause = Pause(reason="exams", by="mood", since=NOW, until=NOW + timedelta(hours=2))
    todo = decided(vm(ended(OLD), paused=pause))

    assert (todo.reason, todo.look_again) == (Reason.SUSPENDED, timedelta(hours=2))
    until = "until 2026-01-01T14:00:00+00:00"
    assert todo.message == f"suspended on this VM by mood {until}: exams; `gitops-vm resume` ends it"
    assert decided(vm(ended(OLD), paused=replace(pause, until=NOW))).reason is Reason.PROGRESSING


def test_a_suspension_without_a_reason_says_so():
    todo = decided(vm(paused=Pause(reason="", by="mood", since=NOW)))

    assert todo.message == "suspended on this VM by mood: no reason given; `gitops-vm resume` ends it"


def test_a_suspension_in_git_lasts_until_a_push_ends_it():
    todo = decided(vm(ended(OLD)), release_of("new", spec_of(suspend="true")))

    assert (todo.steps, todo.reason, todo.look_again) == ((), Reason.SUSPENDED, None)
    assert todo.message == "suspended by desired-state.yaml: no reason given"


def test_a_suspension_in_git_may_end_by_itself():
    def until(when: str) -> Plan:
        spec = spec_of(suspend=f'{{reason: exams, until: "2026-01-01T{when}:00Z"}}')
        return decided(vm(ended(OLD)), release_of("new", spec))

    assert until("13:00").look_again == timedelta(hours=1)
    assert until("13:00").message == "suspended by desired-state.yaml until 2026-01-01T13:00:00+00:00: exams"
    assert until("12:00").reason is Reason.PROGRESSING


def test_stopped_counts_more_than_suspended():
    todo = decided(vm(stopped=True, paused=Pause(reason="", by="mood", since=NOW)))

    assert todo.reason is Reason.STOPPED
