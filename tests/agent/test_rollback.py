"""`gitops-vm rollback` on a VM: an older release until the next push, and everybody can read that."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from tests.agent.conftest import Setup
from tests.localvm import LocalVM, server
from tests.process import Failed


class Two(NamedTuple):
    """Two revisions that were good here; the newer one runs."""

    old: str
    new: str


@pytest.fixture
def two(setup: Setup) -> Two:
    old = setup.repo.deploy("old", {"desired-state.yaml": setup.vm.state(), "server.py": server()})
    setup.vm.gitops("reconcile")
    new = setup.repo.deploy("new")
    setup.vm.gitops("reconcile")
    assert setup.vm.get() == new
    return Two(old, new)


def refused(vm: LocalVM, *verb: str) -> str:
    with pytest.raises(Failed) as failed:
        vm.gitops(*verb)
    assert failed.value.code == 1
    return failed.value.err


def test_the_last_good_release_runs_until_the_next_push_and_the_status_says_who_wanted_it(
    setup: Setup, two: Two
) -> None:
    said = setup.vm.gitops("rollback").splitlines()[-1]

    assert said.startswith("Pinned  rolled back on this VM by ")
    assert "until the next push; `gitops-vm resume` ends it" in said
    assert setup.vm.get() == two.old
    assert setup.vm.condition("Ready")["reason"] == "Pinned"
    assert setup.vm.condition("RolledBack")["message"] == setup.vm.condition("Ready")["message"]
    assert setup.vm.condition("Healthy")["status"] == "True"
    assert setup.vm.status["sync"] == "OutOfSync"
    published = json.loads(setup.repo.show("status/vm-1", "status.json"))
    assert published["activeRevision"] == f"main@sha1:{two.old}"
    assert [each["status"] for each in published["history"]] == ["ReconciliationSucceeded"] * 2

    setup.vm.gitops("reconcile", "--now")
    assert setup.vm.get() == two.old

    third = setup.repo.deploy("third")
    setup.vm.gitops("reconcile")
    assert setup.vm.get() == third
    assert setup.vm.condition("Ready")["status"] == "True"


def test_resume_ends_it_sooner(setup: Setup, two: Two) -> None:
    setup.vm.gitops("rollback")
    setup.vm.gitops("rollback")
    assert setup.vm.get() == two.old

    setup.vm.gitops("resume")

    assert setup.vm.get() == two.new


def test_a_retry_of_what_is_declared_ends_it_as_well(setup: Setup, two: Two) -> None:
    setup.vm.gitops("rollback")

    setup.vm.gitops("reconcile", "--retry")

    assert setup.vm.get() == two.new


def test_a_push_that_cannot_be_deployed_does_not_end_it(setup: Setup, two: Two) -> None:
    setup.vm.gitops("rollback")
    setup.repo.deploy("broken", {"desired-state.yaml": "app: 5\n"})

    setup.vm.code("reconcile")

    assert setup.vm.get() == two.old


def test_a_named_revision_has_to_be_one_that_was_good_here(setup: Setup, two: Two) -> None:
    assert two.old[:8] in refused(setup.vm, "rollback", "0123456789")
    assert two.old[:8] in refused(setup.vm, "rollback", two.new)
    assert setup.vm.get() == two.new

    setup.vm.gitops("rollback", two.old[:7])
    assert setup.vm.get() == two.old


def test_a_dry_run_and_a_suspended_vm_change_nothing(setup: Setup, two: Two) -> None:
    assert two.old[:8] in setup.vm.gitops("rollback", "--dry-run")
    setup.vm.gitops("suspend", "exam week")
    assert "exam week" in refused(setup.vm, "rollback")
    setup.vm.gitops("resume")

    assert setup.vm.get() == two.new


def test_restart_restarts_what_was_asked_for(setup: Setup, two: Two) -> None:
    setup.vm.gitops("rollback")
    before = setup.vm.app_pid

    setup.vm.gitops("restart")

    assert setup.vm.get() == two.old
    assert setup.vm.app_pid not in {0, before}


def test_with_nothing_to_go_back_to_it_says_where_else(setup: Setup) -> None:
    first = setup.repo.deploy("one", {"desired-state.yaml": setup.vm.state(), "server.py": server()})
    setup.vm.gitops("reconcile")

    assert "in a clone" in refused(setup.vm, "rollback")
    assert setup.vm.get() == first
