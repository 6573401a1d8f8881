"""`gitops-vm reconcile --retry`: a rejected revision is tried once more, and no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.conftest import Setup
from tests.localvm import server
from tests.process import Failed


def choosy(needed: Path) -> str:
    """A program that ends at once where this file is missing."""
    return f"import os, sys\nos.path.exists({str(needed)!r}) or sys.exit(3)\n{server()}"


@pytest.fixture
def rejected(setup: Setup, tmp_path: Path) -> str:
    """A revision that was rejected for want of a file; the one before it runs."""
    setup.repo.deploy("one", {"desired-state.yaml": setup.vm.state(), "server.py": server()})
    setup.vm.gitops("reconcile")
    bad = setup.repo.deploy("two", {"server.py": choosy(tmp_path / "needed")})
    assert setup.vm.code("reconcile") == 1
    assert setup.vm.condition("Stalled")["reason"] == "RevisionRejected"
    return bad


def test_without_retry_a_rejected_revision_is_not_tried(setup: Setup, rejected: str, tmp_path: Path) -> None:
    (tmp_path / "needed").touch()

    assert setup.vm.code("reconcile", "--now") == 1
    assert setup.vm.get() != rejected


def test_with_retry_it_is_tried_and_confirmed(setup: Setup, rejected: str, tmp_path: Path) -> None:
    (tmp_path / "needed").touch()

    said = setup.vm.gitops("reconcile", "--retry")

    assert "Start" in said
    assert setup.vm.get() == rejected
    assert setup.vm.condition("Ready")["status"] == "True"
    assert not setup.vm.condition("Stalled")
    assert setup.vm.status["rejectedRevisions"] == []


def test_what_is_still_bad_is_rejected_again_and_the_good_one_runs(setup: Setup, rejected: str) -> None:
    before = setup.vm.get()

    assert setup.vm.code("reconcile", "--retry") == 1
    assert setup.vm.get() == before != rejected
    assert [each["revision"] for each in setup.vm.status["rejectedRevisions"]] == [f"main@sha1:{rejected}"]


def test_a_retry_while_suspended_is_refused_and_forgets_nothing(setup: Setup, rejected: str, tmp_path: Path) -> None:
    setup.vm.gitops("suspend", "exam week")
    (tmp_path / "needed").touch()

    with pytest.raises(Failed) as failed:
        setup.vm.gitops("reconcile", "--retry")

    assert "`gitops-vm resume`" in failed.value.err
    assert setup.vm.code("resume") == 1
    assert setup.vm.condition("Stalled")["reason"] == "RevisionRejected"
    assert setup.vm.get() != rejected
