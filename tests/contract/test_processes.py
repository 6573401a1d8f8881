"""Starting, watching, restarting and stopping: the same claims on every backend."""

from __future__ import annotations

from agent.observed import Phase
from tests.contract.harness import Harness, process_of


def test_a_started_release_runs_until_it_is_stopped(harness: Harness):
    release = harness.make_release()
    harness.services.install(release)
    assert process_of(harness, release) is None
    harness.services.start(release)
    process = harness.wait(lambda: _running(harness, release), "a running process")
    assert process.pid
    assert (process.restarts, process.exit) == (0, "")
    harness.services.stop(release.id)
    assert harness.services.processes() == ()


def test_starting_twice_runs_one_process(harness: Harness):
    release = harness.make_release()
    harness.services.install(release)
    harness.services.start(release)
    first = harness.wait(lambda: _running(harness, release), "a running process")
    harness.services.start(release)
    again = harness.wait(lambda: _running(harness, release), "a running process")
    assert (again.pid, again.since) == (first.pid, first.since)
    assert len(harness.services.processes()) == 1


def test_two_releases_run_side_by_side_and_are_stopped_one_by_one(harness: Harness):
    releases = [harness.make_release() for _ in range(2)]
    for release in releases:
        harness.services.install(release)
        harness.services.start(release)
    old, new = (harness.wait(lambda r=r: _running(harness, r), "a running process") for r in releases)
    assert old.pid != new.pid
    harness.services.stop(old.release)
    assert [each.pid for each in harness.services.processes()] == [new.pid]


def test_a_crash_is_counted_explained_and_followed_by_a_restart(harness: Harness):
    release = harness.make_release()
    harness.services.install(release)
    harness.services.start(release)
    first = harness.wait(lambda: _running(harness, release), "a running process")
    harness.crash(release)
    ended = harness.wait(lambda: _restarted(harness, release), "a counted restart")
    assert "killed by SIGKILL" in ended.exit
    again = harness.wait(lambda: _running(harness, release), "a running process again")
    assert again.restarts == 1
    assert again.pid != first.pid
    assert again.since > first.since


def test_a_program_that_exits_at_once_is_started_again_and_again(harness: Harness):
    release = harness.make_release("--crash")
    harness.services.install(release)
    harness.services.start(release)
    harness.wait(lambda: _restarted(harness, release, times=2), "a second restart")
    ended = harness.wait(lambda: _ended(harness, release), "an end")
    assert "exited with status" in ended.exit
    harness.services.stop(release.id)
    assert harness.services.processes() == ()


def test_a_program_that_says_ready_is_running(harness: Harness):
    release = harness.make_release("--ready", notify=True)
    harness.services.install(release)
    harness.services.start(release)
    assert harness.wait(lambda: _running(harness, release), "a running process").restarts == 0


def test_stopping_what_does_not_run_changes_nothing(harness: Harness):
    release = harness.make_release()
    harness.services.stop(release.id)
    harness.services.install(release)
    harness.services.stop(release.id)
    assert harness.services.processes() == ()


def _running(harness: Harness, release):
    process = process_of(harness, release)
    return process if process and process.phase is Phase.RUNNING else None


def _restarted(harness: Harness, release, times: int = 1):
    process = process_of(harness, release)
    return process if process and process.restarts >= times else None


def _ended(harness: Harness, release):
    process = process_of(harness, release)
    return process if process and process.exit else None
