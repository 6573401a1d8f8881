"""The verbs as a program uses them: exit codes, and JSON on standard output whatever happens."""

from __future__ import annotations

import json
import os
import shlex
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.agent.conftest import Setup
from tests.localvm import ROOT, LocalVM, server
from tests.ports import free_port
from tests.process import Failed, run
from tests.repo import Repo
from tests.waiting import wait_for


@pytest.fixture
def settled(setup: Setup) -> Setup:
    """A first release, made by the verb itself: no daemon."""
    setup.repo.deploy("one", {"desired-state.yaml": setup.vm.state(), "server.py": server()})
    setup.vm.gitops("reconcile")
    return setup


def ask(vm: LocalVM, *arguments: str) -> tuple[int, Any]:
    """The exit code, and standard output as JSON."""
    try:
        return 0, json.loads(vm.gitops(*arguments))
    except Failed as failed:
        return failed.code or 0, json.loads(failed.out)


def test_every_verb_answers_in_json(settled: Setup) -> None:
    vm, _, _ = settled

    for verb, reason in (
        ("suspend", "Suspended"),
        ("resume", "ReconciliationSucceeded"),
        ("restart", "ReconciliationSucceeded"),
        ("stop", "Stopped"),
        ("start", "ReconciliationSucceeded"),
    ):
        code, told = ask(vm, verb, "--json")
        assert (code, told["reason"]) == (0, reason)
    for verb in ("logs", "events", "history"):
        code, told = ask(vm, verb, "--json", "-n", "1")
        assert (code, len(told)) == (0, 1)


def test_a_failure_is_told_in_json_too(setup: Setup) -> None:
    vm, _, _ = setup

    code, told = ask(vm, "status", "--json")
    assert (code, set(told)) == (3, {"error"})
    assert "no status here yet" in told["error"]["message"]
    assert "gitops-vm status --remote" in told["error"]["hint"]
    assert ask(vm, "history", "--json")[0] == 1
    assert ask(vm, "plan", "--json")[0] == 1
    for misuse in (["logs", "--follow", "--json"], ["events", "--json", "-n", "0"], ["status", "--json", "--frob"]):
        code, told = ask(vm, *misuse)
        assert (code, told["error"]["reason"]) == (64, "Misuse")


@pytest.mark.parametrize("verb", ["events", "history", "logs"])
@pytest.mark.parametrize("lines", ["0", "-3", "many"])
def test_a_number_of_lines_is_a_number_of_lines(setup: Setup, verb: str, lines: str) -> None:
    with pytest.raises(Failed) as failed:
        setup.vm.gitops(verb, "-n", lines)
    assert failed.value.code == 64
    assert "write a whole number from 1" in failed.value.err


@pytest.mark.parametrize(
    "arguments", [["--host", "nosuch"], ["--remote", "--upload-pack=x"], ["--remote", ""], ["--host", "../x"]]
)
def test_status_refuses_what_it_cannot_mean(setup: Setup, arguments: list[str]) -> None:
    assert setup.vm.code("status", *arguments) == 64


def test_status_that_cannot_be_read_is_unknown_and_not_failed(setup: Setup, tmp_path: Path) -> None:
    vm, _, remote = setup

    assert vm.code("status", "--remote", str(tmp_path / "nowhere.git")) == 3
    assert vm.code("status", "--remote", f"http://127.0.0.1:{free_port()}/mood.git") == 3
    assert vm.code("status", "--remote", str(remote)) == 3  # no VM has written a status yet


def test_an_agent_that_was_killed_does_not_look_ready(settled: Setup) -> None:
    vm, repo, _ = settled
    vm.start()
    wait_for(lambda: vm.code("status") == 0, "the agent at work")
    assert vm.daemon

    vm.daemon.stop()

    with pytest.raises(Failed) as failed:
        vm.gitops("status")
    assert failed.value.code == 3
    assert failed.value.out.splitlines()[1].startswith("the agent does not run here")
    assert repo.head[:8] in failed.value.out  # what was true last is shown all the same
    assert ask(vm, "status", "--json")[0] == 3


def test_plan_with_the_remote_away_says_so_and_plans_for_the_release_in_force(settled: Setup) -> None:
    vm, repo, remote = settled
    remote.rename(remote.with_name("away.git"))

    code, told = ask(vm, "plan", "--json")

    assert (code, told["reason"], told["steps"]) == (1, "ReconciliationSucceeded", [])
    assert "there is no repository" in told["error"]["message"]
    assert repo.head in told["revision"]


def test_plan_with_an_invalid_file_at_the_tip_plans_for_the_release_in_force(settled: Setup) -> None:
    vm, repo, _ = settled
    first = repo.head
    second = repo.deploy("bad", {"desired-state.yaml": "app: [\n"})

    code, told = ask(vm, "plan", "--json")

    assert (code, told["revision"], told["newest"]) == (1, f"main@sha1:{first}", f"main@sha1:{second}")
    assert (told["error"]["reason"], told["steps"]) == ("InvalidSpec", [])
    (vm.home / "state" / "stopped").touch()  # as a stop does, before any pass
    assert ask(vm, "plan", "--json")[0] == 2
    with pytest.raises(Failed, match=r"InvalidSpec.*desired-state.yaml:"):
        vm.gitops("plan")


def test_a_bad_branch_hides_no_other_host(settled: Setup, tmp_path: Path) -> None:
    vm, _, remote = settled
    vm.start()
    wait_for(lambda: vm.code("status", "--remote", str(remote)) == 0, "the status to be delivered")
    good = json.loads(vm.gitops("status", "--remote", str(remote), "--json"))[0]
    people = Repo.clone(remote, tmp_path / "people")
    for host, text in (
        ("vm-deep", "[" * 100_000),
        ("vm-shape", json.dumps({**good, "service": "x"})),
        ("vm-text", "{"),
    ):
        people.commit("bad", {"status.json": text})
        people.push("origin", f"HEAD:refs/heads/status/{host}")

    with pytest.raises(Failed) as failed:
        vm.gitops("status", "--remote", str(remote))

    assert failed.value.code == 3
    assert good["activeRevision"][:18] in failed.value.out
    assert "Traceback" not in failed.value.err
    told = {each["host"]: each for each in ask(vm, "status", "--remote", str(remote), "--json")[1]}
    assert told["vm-1"]["activeRevision"] == good["activeRevision"]
    for host in ("vm-deep", "vm-shape", "vm-text"):
        assert told[host]["error"]["message"].startswith(f"status/{host}: status.json is not")


def test_validate_reads_no_more_than_it_may_and_waits_for_nobody(setup: Setup, tmp_path: Path) -> None:
    vm, _, _ = setup
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for endless, said in (
        (Path("/dev/zero"), "is longer than 65536 bytes"),
        (pipe, "is empty"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(Failed, match=said) as failed:
            vm.gitops("validate", str(endless), within=timedelta(seconds=30))
        assert failed.value.code == 1


def test_validate_reads_what_a_shell_hands_it(setup: Setup) -> None:
    program = shlex.join([sys.executable, "-m", "agent", "validate"])
    slow = f"{program} <(sleep 0.2; cat <<'END'\n{setup.vm.state()}END\n)"
    assert "valid; tiny" in run("bash", "-c", slow, cwd=ROOT)
