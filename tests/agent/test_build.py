"""A build takes as long as it takes: meanwhile the VM is looked after, told of, and does what it is asked."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.agent.conftest import Setup
from tests.localvm import LocalVM, server
from tests.process import Background, Failed, descendants, is_alive
from tests.slowpackage import SlowPackage
from tests.status_checker import check
from tests.waiting import wait_for


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[SlowPackage]:
    package = SlowPackage(tmp_path / "slow")
    yield package
    package.finish()


def builder(vm: LocalVM) -> int:
    """The process that builds, 0 where none does."""
    with_lock = vm.home / "run" / "build" / "lock"
    pid = int(with_lock.read_text() or 0) if with_lock.exists() else 0
    return pid if pid and is_alive(pid) else 0


def push_slow(setup: Setup, slow: SlowPackage) -> str:
    """Its revision, once its build has begun."""
    pushed = setup.repo.deploy("slow", {"requirements.txt": slow.requirement})
    wait_for(lambda: slow.has_begun, "the build to begin")
    setup.vm.wait_condition("Reconciling", "True")
    return pushed


def test_a_build_is_told_and_the_app_is_healed_meanwhile(deployed: Setup, slow: SlowPackage) -> None:
    vm, repo, _ = deployed
    first, before = repo.head, vm.app_pid
    pushed = push_slow(deployed, slow)

    ready = vm.wait_condition("Ready", "Unknown", "Progressing")
    assert f"building main@sha1:{pushed[:8]} (" in ready["message"]
    assert vm.code("status") == 2
    assert vm.status["health"] == "Healthy"
    check(vm.status)
    wait_for(lambda: "installing requirements.txt: " in vm.condition("Ready")["message"], "what it is doing")
    line = f"Ready=Unknown Progressing main@sha1:{pushed[:8]} building"
    wait_for(lambda: line in repo.log("status/vm-1")[0], "the branch to tell it", unless=(Failed,))
    rollout = vm.status["rollout"]
    assert (rollout["phase"], rollout["revision"]) == ("building", f"main@sha1:{pushed}")
    assert rollout["message"].startswith("installing requirements.txt: ")
    said = vm.condition("Ready")["message"]
    wait_for(lambda: vm.condition("Ready")["message"] != said, "a later word of the same")
    assert sum("Ready=Unknown" in line and pushed[:8] in line for line in repo.log("status/vm-1")) == 1

    os.kill(before, signal.SIGSTOP)
    wait_for(lambda: vm.app_pid not in {0, before}, "another process", within=timedelta(minutes=1))
    vm.wait_live(first)
    assert builder(vm)

    slow.finish()
    vm.wait_live(pushed)
    vm.wait_condition("Ready", "True")
    assert vm.status["rollout"] is None
    check(vm.status)


def test_a_fixing_push_does_not_wait_for_a_build_and_ends_it(deployed: Setup, slow: SlowPackage) -> None:
    vm, repo, _ = deployed
    before = _environments(vm)
    push_slow(deployed, slow)
    family = [builder(vm), *descendants(builder(vm))]

    fixed = repo.deploy("fixed", {"requirements.txt": ""})
    vm.wait_live(fixed)
    vm.wait_condition("Ready", "True")

    assert not [pid for pid in family if is_alive(pid)]
    wait_for(lambda: _environments(vm) == {*before, vm.status["environment"]["venv"]}, "nothing of it to be left")


def _environments(vm: LocalVM) -> set[str]:
    return {path.name for path in (vm.home / "venvs").iterdir()}


def test_a_push_of_code_during_a_build_keeps_what_is_built(deployed: Setup, slow: SlowPackage) -> None:
    vm, repo, _ = deployed
    push_slow(deployed, slow)
    building = builder(vm)

    newest = repo.deploy("newest", {"notes.txt": "x"})
    wait_for(lambda: newest[:8] in vm.condition("Ready")["message"], "the newest to be told")
    assert builder(vm) == building

    slow.finish()
    vm.wait_live(newest)


def test_stop_and_suspend_are_answered_during_a_build(deployed: Setup, slow: SlowPackage) -> None:
    vm, _, _ = deployed
    pushed = push_slow(deployed, slow)

    assert vm.gitops("suspend", "exams").splitlines()[-1].startswith("Suspended")
    assert vm.gitops("stop").splitlines()[-1].startswith("Stopped")
    assert not vm.get()
    assert not builder(vm)
    vm.gitops("resume")

    slow.finish()
    vm.gitops("start")
    assert vm.get() == pushed


@pytest.mark.parametrize("killed", ["builder", "agent"])
def test_who_is_killed_during_a_build_stops_no_deploy(deployed: Setup, slow: SlowPackage, killed: str) -> None:
    vm, _, _ = deployed
    pushed = push_slow(deployed, slow)
    assert vm.daemon

    os.kill(builder(vm) if killed == "builder" else vm.daemon.pid, signal.SIGKILL)
    if killed == "agent":
        vm.stop()
        vm.start()
    slow.finish()

    vm.wait_live(pushed)
    vm.wait_condition("Ready", "True")


def test_an_agent_that_is_stopped_ends_its_build(deployed: Setup, slow: SlowPackage) -> None:
    vm, _, _ = deployed
    push_slow(deployed, slow)
    assert vm.daemon
    family = [vm.daemon.pid, builder(vm), *descendants(builder(vm))]

    os.kill(vm.daemon.pid, signal.SIGTERM)

    wait_for(lambda: not [pid for pid in family if is_alive(pid)], "all of them to be gone")


def test_a_person_who_waits_for_a_build_sees_what_goes_on(setup: Setup, slow: SlowPackage, tmp_path: Path) -> None:
    vm, repo, _ = setup
    pushed = repo.deploy(
        "one", {"desired-state.yaml": vm.state(), "server.py": server(), "requirements.txt": slow.requirement}
    )
    log = tmp_path / "said"
    by_hand = Background(sys.executable, "-m", "agent", "reconcile", log=log, env=vm.environment)
    try:
        line = rf"building main@sha1:{pushed[:8]} \(\d+ s\): installing requirements.txt"
        wait_for(lambda: re.search(line, log.read_text()), "a line of progress")
        slow.finish()
        assert by_hand.wait(timedelta(seconds=60)) == 0
    finally:
        by_hand.stop()
    assert log.read_text().splitlines()[-1].startswith("ReconciliationSucceeded")


def test_a_build_begun_by_hand_ends_with_ctrl_c(setup: Setup, slow: SlowPackage, tmp_path: Path) -> None:
    vm, repo, _ = setup
    repo.deploy("one", {"desired-state.yaml": vm.state(), "server.py": server(), "requirements.txt": slow.requirement})
    by_hand = Background(sys.executable, "-m", "agent", "reconcile", log=tmp_path / "said", env=vm.environment)
    try:
        wait_for(lambda: slow.has_begun, "the build to begin")
        family = [builder(vm), *descendants(builder(vm))]
        os.kill(by_hand.pid, signal.SIGINT)
        assert by_hand.wait(timedelta(seconds=30)) == 130
    finally:
        by_hand.stop()

    assert not [pid for pid in family if is_alive(pid)]
    assert not _environments(vm)


def test_a_build_that_only_a_push_can_cure_is_rejected_and_says_why(deployed: Setup) -> None:
    vm, repo, _ = deployed
    first = repo.head

    repo.deploy("bad", {"requirements.txt": "idna ==== 1\n"})
    ready = vm.wait_condition("Ready", "False", "BuildFailed")

    assert "requirements.txt: " in ready["message"]
    assert vm.get() == first
    assert wait_for(lambda: vm.status["rejectedRevisions"], "the rejection")
