"""The verbs that start and stop, where something else holds the app stopped: refused before anything is done, or done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.conftest import Setup
from tests.localvm import LocalVM, server
from tests.process import Failed


@pytest.fixture
def vm(setup: Setup) -> LocalVM:
    """A first release that runs; no daemon."""
    setup.repo.deploy("one", {"desired-state.yaml": setup.vm.state(), "server.py": server()})
    setup.vm.gitops("reconcile")
    return setup.vm


def refused(vm: LocalVM, *verb: str) -> str:
    with pytest.raises(Failed) as failed:
        vm.gitops(*verb)
    assert failed.value.code == 1
    return failed.value.err


def test_restart_while_suspended_leaves_the_app_running_and_says_what_to_type(vm: LocalVM) -> None:
    vm.gitops("suspend", "exam week")
    before = vm.app_pid

    said = refused(vm, "restart")

    assert "exam week" in said
    assert "`gitops-vm resume`" in said
    assert vm.app_pid == before
    vm.gitops("resume")
    vm.gitops("restart")
    assert vm.app_pid not in {0, before}


def test_restart_while_suspended_by_git_leaves_the_app_running(setup: Setup, vm: LocalVM) -> None:
    setup.repo.deploy("pause", {"desired-state.yaml": vm.state("suspend: true\n")})
    vm.gitops("reconcile")
    before = vm.app_pid

    assert "take `suspend` out of it and push" in refused(vm, "restart")
    assert vm.app_pid == before


def test_restart_of_a_stopped_app_says_that_start_starts_it(vm: LocalVM) -> None:
    vm.gitops("stop")

    assert "`gitops-vm start`" in refused(vm, "restart")
    assert not vm.app_pid


def test_start_while_suspended_is_refused_and_works_once_that_has_ended(vm: LocalVM) -> None:
    vm.gitops("suspend")
    vm.gitops("stop")

    assert "`gitops-vm resume`" in refused(vm, "start")

    assert vm.gitops("resume").splitlines()[-1].startswith("Stopped")
    vm.gitops("start")
    assert vm.app_pid


def test_a_remote_that_is_away_fails_no_verb_that_did_what_it_was_asked(setup: Setup, vm: LocalVM) -> None:
    setup.remote.rename(setup.remote.with_name("away.git"))

    for verb, runs in (("restart", True), ("suspend", True), ("resume", True), ("stop", False), ("start", True)):
        before = vm.app_pid
        vm.gitops(verb)
        assert bool(vm.app_pid) is runs
        assert verb != "restart" or vm.app_pid != before
    assert vm.code("reconcile") == 1


@pytest.mark.parametrize("verb", ["stop", "suspend", "restart", "start", "resume"])
def test_where_no_agent_is_installed_nothing_is_left_for_a_later_one(tmp_path: Path, verb: str) -> None:
    with LocalVM(tmp_path / "home", "/nowhere") as vm:
        (vm.config / "source.yaml").unlink()

        assert "bootstrap.py" in refused(vm, verb)
        assert not {"stopped", "paused.json"} & {each.name for each in (tmp_path / "home").rglob("*")}
