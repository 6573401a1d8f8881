"""`gitops-vm rollback` in a clone: a commit like any other brings an older revision back, and every VM deploys it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.agent.conftest import Setup
from tests.localvm import ROOT, server
from tests.process import Failed, run
from tests.repo import ALONE


class Pushed(NamedTuple):
    """Two revisions, deployed and reported as good, each with a word of its own in `word`."""

    one: str
    two: str


@pytest.fixture
def pushed(setup: Setup) -> Pushed:
    one = setup.repo.deploy(
        "one", {"desired-state.yaml": setup.vm.state(), "server.py": server(), "word": "one", "only-in-one": ""}
    )
    setup.vm.gitops("reconcile")
    setup.repo.git("rm", "--quiet", "only-in-one")
    two = setup.repo.deploy("two", {"word": "two", "added": "later"})
    setup.vm.gitops("reconcile")
    return Pushed(one, two)


def rollback(setup: Setup, *words: str, cwd: Path | None = None) -> str:
    env = {**os.environ, **ALONE, "PYTHONPATH": str(ROOT), "HOME": str(setup.remote.parent / "laptop")}
    env = {name: value for name, value in env.items() if name not in {"GITOPS_VM_HOME", "XDG_CONFIG_HOME"}}
    return run(sys.executable, "-m", "agent", "rollback", *words, cwd=cwd or setup.repo.path, env=env)


def refused(setup: Setup, *words: str, cwd: Path | None = None) -> str:
    with pytest.raises(Failed) as failed:
        rollback(setup, *words, cwd=cwd)
    assert failed.value.code == 1
    assert "Traceback" not in failed.value.err
    return failed.value.err


def files(setup: Setup, commit: str) -> str:
    return setup.repo.git("rev-parse", f"{commit}^{{tree}}")


def test_the_last_good_files_are_pushed_as_a_commit_on_top_and_deployed(setup: Setup, pushed: Pushed) -> None:
    said = rollback(setup)

    head = setup.repo.remote_head("main")
    assert head == setup.repo.head
    assert setup.repo.git("rev-parse", "HEAD^") == pushed.two
    assert files(setup, "HEAD") == files(setup, pushed.one)
    assert setup.repo.git("status", "--porcelain") == ""
    assert (setup.repo.path / "word").read_text() == "one"
    assert setup.repo.git("log", "-1", "--format=%s") == f"Roll back to {pushed.one[:8]}: one"
    assert [line.split()[0] for line in said.splitlines()] == ["back", "away", "pushed"]
    setup.vm.gitops("reconcile")
    assert setup.vm.get() == head


def test_after_a_rejection_it_goes_back_to_what_runs(setup: Setup, pushed: Pushed) -> None:
    setup.repo.deploy("bad", {"server.py": "raise SystemExit(3)\n"})
    assert setup.vm.code("reconcile") == 1

    rollback(setup)

    assert files(setup, "HEAD") == files(setup, pushed.two)


def test_a_second_one_goes_further_back_and_never_forward_again(setup: Setup, pushed: Pushed) -> None:
    setup.repo.deploy("three", {"word": "three"})
    setup.vm.gitops("reconcile")

    rollback(setup)
    setup.vm.gitops("reconcile")
    assert files(setup, "HEAD") == files(setup, pushed.two)
    rollback(setup)
    setup.vm.gitops("reconcile")
    assert files(setup, "HEAD") == files(setup, pushed.one)
    assert "no earlier revision is known to be good" in refused(setup)


def test_a_named_revision_comes_back(setup: Setup, pushed: Pushed) -> None:
    setup.repo.deploy("never deployed", {"word": "three"})

    told = json.loads(rollback(setup, "--json", pushed.one[:7]))

    assert told["to"] == pushed.one
    assert told["commit"] == setup.repo.remote_head("main")
    assert files(setup, "HEAD") == files(setup, pushed.one)


def test_a_dry_run_changes_nothing_anywhere(setup: Setup, pushed: Pushed) -> None:
    assert pushed.one[:8] in rollback(setup, "--dry-run")
    assert setup.repo.remote_head("main") == setup.repo.head == pushed.two


def test_changes_and_commits_that_nobody_else_has_are_not_lost(setup: Setup, pushed: Pushed) -> None:
    setup.repo.write({"word": "changed"})
    assert "word" in refused(setup)
    setup.repo.commit("here only")
    assert "push them" in refused(setup)
    assert setup.repo.remote_head("main") == pushed.two
    assert (setup.repo.path / "word").read_text() == "changed"


def test_a_clone_that_is_behind_is_brought_forward(setup: Setup, pushed: Pushed) -> None:
    setup.repo.git("reset", "--quiet", "--hard", pushed.one)

    rollback(setup)

    assert setup.repo.git("rev-parse", "HEAD^") == pushed.two
    assert files(setup, "HEAD") == files(setup, pushed.one)


def test_a_push_that_is_refused_leaves_the_clone_as_it_was(setup: Setup, pushed: Pushed) -> None:
    hook = setup.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
    hook.chmod(0o755)

    assert "main is protected" in refused(setup)
    assert setup.repo.head == pushed.two == setup.repo.remote_head("main")


def test_without_a_status_a_revision_has_to_be_named(setup: Setup) -> None:
    setup.repo.deploy("one", {"word": "one"})
    setup.repo.deploy("two", {"word": "two"})

    assert "no VM has written a status" in refused(setup)
    assert "REV" in refused(setup)
    rollback(setup, "HEAD^")
    assert (setup.repo.path / "word").read_text() == "one"


def test_where_there_is_neither_an_agent_nor_a_clone_it_says_what_to_type(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()

    assert "--on USER@HOST" in refused(setup, cwd=tmp_path / "elsewhere")
