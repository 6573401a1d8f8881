"""The verbs, as a person or a script uses them."""

from __future__ import annotations

import json
import os
import pwd
import site
import sys
from pathlib import Path

import pytest

from tests.agent.conftest import Setup
from tests.localvm import ROOT, LocalVM, server
from tests.process import Background, Failed, run
from tests.waiting import wait_for


@pytest.fixture
def settled(setup: Setup) -> Setup:
    """A first release, made by the verb itself: no daemon."""
    setup.repo.deploy("one", {"desired-state.yaml": setup.vm.state(), "server.py": server()})
    setup.vm.gitops("reconcile")
    return setup


def test_reconcile_says_each_step_and_plan_then_has_nothing_to_do(setup: Setup) -> None:
    vm, repo, _ = setup
    repo.deploy("one", {"desired-state.yaml": vm.state(), "server.py": server()})

    assert vm.code("plan") == 2
    said = vm.gitops("reconcile")
    order = [line.split()[0] for line in said.splitlines()]
    assert order == ["Prepare", "Build", "InstallUnits", "Start", "Promote", "Confirm", "ReconciliationSucceeded"]
    assert vm.code("plan") == 0
    assert json.loads(vm.gitops("plan", "--json"))["steps"] == []


def test_plan_changes_nothing(setup: Setup) -> None:
    vm, repo, _ = setup
    repo.deploy("one", {"desired-state.yaml": vm.state(), "server.py": server()})

    vm.code("plan")

    assert not vm.get()
    assert not (vm.home / "releases").exists()
    assert not (vm.home / "state" / "ledger.json").exists()


def test_stop_keeps_it_stopped_and_start_starts_it(settled: Setup) -> None:
    vm, repo, _ = settled

    assert vm.gitops("stop").splitlines()[-1].startswith("Stopped")
    assert not vm.get()
    vm.gitops("reconcile")
    assert not vm.get()
    assert vm.status["health"] == "Suspended"

    vm.gitops("start")
    assert vm.get() == repo.head
    stopped, begun = _event(vm, "Stopped"), _event(vm, " asked for a start")
    assert (stopped["severity"], begun["severity"]) == ("info", "info")
    assert vm.status["counters"]["selfHeals"] == 0


def test_restart_is_another_process_of_the_same_release(settled: Setup) -> None:
    vm, repo, _ = settled
    before = vm.app_pid

    vm.gitops("restart")

    assert vm.app_pid not in {0, before}
    assert vm.get() == repo.head
    me = pwd.getpwuid(os.getuid()).pw_name
    assert _event(vm, f"started main@sha1:{repo.head[:8]}: {me} asked for a restart")
    assert vm.status["counters"]["selfHeals"] == 0


def _event(vm: LocalVM, words: str) -> dict[str, str]:
    """The one event whose reason or message has these words."""
    told = json.loads(vm.gitops("events", "--json"))
    (found,) = (each for each in told if words in f"{each['reason']} {each['message']}")
    return dict(found)


def test_suspend_stops_applying_but_not_fetching_and_says_who_and_why(settled: Setup) -> None:
    vm, repo, _ = settled
    first = repo.head

    vm.gitops("suspend", "exam", "week")
    second = repo.deploy("two", {"notes.txt": "x"})
    vm.gitops("reconcile")

    assert vm.get() == first
    assert "exam week" in vm.condition("Suspended")["message"]
    assert vm.status["source"]["revision"] == f"main@sha1:{second}"

    vm.gitops("resume")
    assert vm.get() == second
    assert not vm.condition("Suspended")


def test_status_reads_the_same_here_and_from_the_branch(settled: Setup) -> None:
    vm, repo, remote = settled

    vm.start()
    wait_for(lambda: vm.code("status") == 0, "the agent at work")
    here = json.loads(vm.gitops("status", "--json"))
    there = json.loads(vm.gitops("status", "--remote", str(remote), "--json"))

    assert [here["conditions"]] == [each["conditions"] for each in there]
    shown = vm.gitops("status", "--remote", str(remote), "--host", "vm-1")
    assert f"main@sha1:{repo.head[:8]}" in shown
    assert "\033[" not in shown  # no colours in a pipe
    with pytest.raises(Failed, match="there is no status/vm-9 there, only: vm-1") as failed:
        vm.gitops("status", "--remote", str(remote), "--host", "vm-9")
    assert failed.value.code == 3


def test_logs_events_and_history_tell_what_happened(settled: Setup) -> None:
    vm, repo, _ = settled

    wait_for(lambda: f"serving {repo.head}" in vm.gitops("logs"), "the app's own words in the log")
    assert "ReconciliationSucceeded" in vm.gitops("events")
    assert all(each["message"] for each in json.loads(vm.gitops("events", "--json")))
    assert json.loads(vm.gitops("history", "--json"))[0]["revision"] == f"main@sha1:{repo.head}"
    assert repo.head[:8] in vm.gitops("history")


def test_following_the_log_shows_so_many_old_lines_and_each_new_one_once(settled: Setup, tmp_path: Path) -> None:
    vm = settled.vm
    for _ in range(2):
        vm.gitops("restart")
    old = wait_for(lambda: len(told := vm.gitops("logs").splitlines()) > 2 and told, "three lines")
    seen = tmp_path / "seen"
    follower = Background(sys.executable, "-m", "agent", "logs", "-n", "2", "-f", log=seen, env=vm.environment)
    try:
        wait_for(lambda: seen.read_text().splitlines() == old[-2:], "two lines of the old ones")
        vm.gitops("restart")
        new = vm.gitops("logs").splitlines()[len(old) :]
        assert wait_for(lambda: (told := seen.read_text().splitlines()[2:]) and told, "a new one")[0] == new[0]
    finally:
        follower.stop()


def test_validate_says_every_problem_with_its_line(setup: Setup, tmp_path: Path) -> None:
    vm, _, _ = setup
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(vm.state())
    bad.write_text("apiVersion: gitops-vm/v1\napp: mood\nservice: {exec: python -m app, port: 80}\nmods: {}\n")

    assert "valid" in vm.gitops("validate", str(good))
    with pytest.raises(Failed) as failed:
        vm.gitops("validate", str(bad))
    assert f"{bad}:3: service.port: 80 is privileged" in failed.value.out
    assert f"{bad}:4: mods: unknown key" in failed.value.out


def test_validate_reads_standard_input(setup: Setup) -> None:
    vm, _, _ = setup
    argv = (sys.executable, "-m", "agent", "validate", "-")

    assert run(*argv, given=vm.state(), env=vm.environment).startswith("<stdin>: valid; tiny")
    with pytest.raises(Failed) as failed:
        run(*argv, given=vm.state("mods: {}\n"), env=vm.environment)
    assert (failed.value.code, "<stdin>:11: mods: unknown key" in failed.value.out) == (1, True), failed.value.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["frobnicate"], 64), (["plan", "--what"], 64), ([], 64), (["--help"], 0), (["--version"], 0), (["status"], 3)],
)
def test_exit_codes(setup: Setup, arguments: list[str], code: int) -> None:
    assert setup.vm.code(*arguments) == code


def test_the_version_names_the_files_it_was_installed_from_and_says_nothing_of_them_in_a_checkout(
    tmp_path: Path,
) -> None:
    """bootstrap installs into a venv of this name."""
    installed = tmp_path / "releases" / "0.1.0-2aac198a5293"
    run(sys.executable, "-m", "venv", "--without-pip", str(installed))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *site.getsitepackages()])}

    for words in ("version", "--version"):
        assert run(installed / "bin/python", "-m", "agent", words, env=env) == "gitops-vm 0.1.0 (2aac198a5293)\n"
        assert run(sys.executable, "-m", "agent", words, env=env) == "gitops-vm 0.1.0\n"
    told = run(installed / "bin/python", "-m", "agent", "version", "--json", env=env)
    assert json.loads(told) == {"version": "0.1.0", "revision": "2aac198a5293"}


def test_without_a_source_the_line_to_type_is_said(tmp_path: Path) -> None:
    with LocalVM(tmp_path / "home", "/nowhere") as vm:
        (vm.config / "source.yaml").unlink()
        for verb in ("run", "reconcile", "plan", "logs", "events", "stop", "gc"):
            with pytest.raises(Failed) as failed:
                vm.gitops(verb)
            assert "bootstrap.py" in failed.value.err
            assert "Traceback" not in failed.value.err
        assert not (vm.home / "state").exists()


def test_a_second_daemon_leaves_at_once_and_says_who_is_there(setup: Setup) -> None:
    vm, _, _ = setup
    vm.start()
    lock = vm.home / "state" / "daemon.lock"
    wait_for(lambda: lock.exists() and lock.read_text(), "the daemon's lock")

    with pytest.raises(Failed) as failed:
        vm.gitops("run")

    assert lock.read_text() in failed.value.err
