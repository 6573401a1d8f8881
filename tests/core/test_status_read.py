"""What `gitops-vm status` shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agent.status.advance import advance
from agent.status.document import document
from agent.status.memory import Memory
from agent.status.read import render
from tests.reports import NOW, Observed, Report, fetched, observed, process, rejected, release, report, well
from tests.status_facts import FACTS

OLD, NEW = release("a"), release("b")
REFUSED = rejected(NEW, message="it answered 500")
ROLLBACK = report(NEW, observed(OLD, running=process(OLD), confirmed=OLD, rejected=REFUSED))


def shown(told: Report, **options: Any) -> str:
    return render(
        document(told, advance(advance(Memory(), well()), told), FACTS), NOW + timedelta(seconds=90), **options
    )


SCREEN = """\
mood on vm-1  Healthy, OutOfSync

running    main@sha1:aaaaaaaa, mode api, for 2m
url        http://vm-1:8010/
service    port 8010, 142 MiB, 0 restarts
applied    main@sha1:aaaaaaaa
newest     main@sha1:bbbbbbbb, fetched 1m ago from git@github.com:acme/mood.git
readiness  200 in 0.004s from http://127.0.0.1:8010/
liveness   200 in 0.004s from http://127.0.0.1:8010/
python     3.11.2, 71 packages
ssh        keys only, 1 authorized, 1 weak algorithm (run bootstrap.py --crypto)
vm         2 cores, 4.0 GiB, enforces cpu sandbox, memoryMax is not enforced on this VM

CONDITION   STATUS  REASON             FOR  MESSAGE
Ready       False   HealthCheckFailed  1m   it answered 500 at main@sha1:bbbbbbbb; main@sha1:aaaaaaaa is running
Stalled     True    RevisionRejected   1m   not tried again by itself; push a revision that becomes healthy
Healthy     True    Succeeded          1m   GET / answered 200
RolledBack  True    HealthCheckFailed  1m   main@sha1:bbbbbbbb was rejected: it answered 500; main@sha1:aaaaaaaa is running instead

REVISION            RESULT                   TOOK  SEEN    HOW  NOBODY ANSWERED
main@sha1:bbbbbbbb  HealthCheckFailed        0s    1m ago  -
main@sha1:aaaaaaaa  ReconciliationSucceeded  0s    1m ago  -"""


def test_the_screen_tells_what_runs_why_and_what_came_before():
    assert shown(ROLLBACK) == SCREEN


def test_a_vm_that_is_not_heard_of_any_more_is_said_to_be_unknown():
    told = document(well(), advance(Memory(), well()), FACTS)
    assert "last heard of 2h ago: nobody knows how it is now" in render(told, NOW + timedelta(hours=2, seconds=1))
    assert "nobody knows" not in render(told, NOW + timedelta(hours=2))


def test_a_vm_on_which_nothing_runs_has_a_screen_too():
    nothing = Report(at=NOW, fetched=fetched(None), desired=None, observed=Observed(), plan=None)
    assert "running  nothing" in render(document(nothing, advance(Memory(), nothing), FACTS), NOW)


def test_colours_are_the_callers():
    painted = shown(ROLLBACK, paint=lambda text, colour: f"<{colour}>{text}</>")
    assert painted.startswith("<bold>mood on vm-1</>  <green>Healthy</>, OutOfSync")
    assert "<red>Stalled     True" in painted
    assert "\033" not in shown(ROLLBACK)


def test_an_escape_sequence_in_a_status_does_not_reach_the_terminal():
    ill = report(OLD, observed(OLD, running=process(OLD), confirmed=OLD), at=NOW)
    told = document(ill, advance(Memory(), ill), FACTS)
    for condition in told["conditions"]:
        condition["message"] = "\033]0;owned\a\033[2J\r\nReady True \u202e"
    told["host"] = "\033[31mvm"
    assert not {"\033", "\a", "\r", "\u202e"} & set(render(told, NOW))
