"""The evidence in a repository of its own: the code's key may only read, and another key writes nowhere else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.gitserver import SshServer
from tests.localvm import LocalVM, server
from tests.process import Failed, run
from tests.repo import ALONE, Repo
from tests.sshkey import SshKey
from tests.status_checker import check
from tests.waiting import wait_for

BRANCH = "status/vm-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A VM, and two servers with a clone of each: of what it may only read, and of what its other key may write."""

    vm: LocalVM
    code: SshServer
    status: SshServer
    repo: Repo
    read: Repo
    keys: dict[str, SshKey]

    def declare(self, name: str = "mood-status") -> None:
        self.vm.write_source(self.code.url("mood"), f"status: {{url: '{self.status.url(name)}'}}")

    def deployed(self) -> str:
        self.vm.start()
        sha = self.repo.deploy("one", {"desired-state.yaml": self.vm.state(), "server.py": server()})
        self.vm.wait_live(sha)
        self.vm.wait_condition("Ready", "True")
        return sha

    def told(self, sha: str) -> None:
        """Returns when the branch says that this revision is ready."""
        last = f"tiny: Ready=True ReconciliationSucceeded main@sha1:{sha[:8]}"
        wait_for(lambda: self.read.log(BRANCH)[0] == last, last, within=timedelta(seconds=60), unless=(Failed,))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    keys = {name: SshKey.generate(tmp_path / name) for name in ("ada", "deploy_key", "status_key")}
    with (
        TemporaryDirectory(prefix="gv-") as home,  # short: Unix sockets go in there
        SshServer(tmp_path / "code", keys["ada"]) as code,
        SshServer(tmp_path / "status", keys["ada"]) as status,
        LocalVM(Path(home) / "vm", code.url("mood")) as vm,
    ):
        code.create("mood")
        for name in ("mood-status", "another"):
            status.create(name)
        code.authorize(keys["deploy_key"].public, read_only=True)
        status.authorize(keys["status_key"].public)
        for name in ("deploy_key", "status_key"):
            shutil.copy(keys[name].private, vm.config / name)
        (vm.config / "known_hosts").write_text(code.known_hosts.read_text() + status.known_hosts.read_text())
        repo, read = code.clone("mood", tmp_path / "clone"), status.clone("mood-status", tmp_path / "read")
        made = Desk(vm=vm, code=code, status=status, repo=repo, read=read, keys=keys)
        made.declare()
        yield made


def refs(server: SshServer, name: str) -> list[str]:
    return run("git", "-C", server.root / f"{name}.git", "for-each-ref", "--format=%(refname)", env=ALONE).split()


def test_a_key_that_may_only_read_the_code_is_enough(desk: Desk) -> None:
    sha = desk.deployed()
    desk.told(sha)

    check(json.loads(desk.read.show(BRANCH, "status.json")))
    assert refs(desk.status, "mood-status") == [f"refs/heads/{BRANCH}"]
    assert refs(desk.code, "mood") == ["refs/heads/main"]
    assert desk.keys["status_key"].fingerprint not in desk.code.log()
    assert desk.keys["deploy_key"].fingerprint not in desk.status.log()
    shown = desk.vm.gitops("status", "--remote", str(desk.status.root / "mood-status.git"))
    assert sha[:8] in shown


def test_a_branch_that_was_deleted_or_written_to_goes_on(desk: Desk) -> None:
    desk.told(desk.deployed())

    desk.read.git("push", "-q", "origin", f":refs/heads/{BRANCH}")
    desk.told(desk.repo.deploy("two"))
    desk.read.git("fetch", "origin", BRANCH)
    desk.read.git("checkout", "-q", "-B", BRANCH, "FETCH_HEAD")
    desk.read.commit("I was here", {"note": "by hand"})
    desk.read.git("push", "-q", "origin", BRANCH)
    desk.told(desk.repo.deploy("three"))

    assert "I was here" in desk.read.log(BRANCH)


def test_a_key_that_is_not_let_in_is_told_and_the_story_arrives_once_it_is(desk: Desk) -> None:
    desk.status.revoke(desk.keys["status_key"].public)
    desk.status.authorize(desk.keys["status_key"].public, read_only=True)
    sha = desk.deployed()

    told = desk.vm.wait_condition("StatusPushFailed", "True")["message"]
    assert f"{desk.status.url('mood-status')} lets us read and not write: " in told
    assert f"give the key that `ssh-keygen -yf {desk.vm.config}/status_key` shows write access there" in told
    assert desk.vm.condition("Ready")["status"] == "True"

    desk.status.revoke(desk.keys["status_key"].public)
    desk.status.authorize(desk.keys["status_key"].public)
    desk.told(sha)
    wait_for(lambda: not desk.vm.condition("StatusPushFailed"), "the alarm to end", unless=(OSError, ValueError))


def test_a_missing_key_says_how_to_make_one(desk: Desk) -> None:
    (desk.vm.config / "status_key").unlink()
    desk.deployed()

    told = desk.vm.wait_condition("StatusPushFailed", "True")["message"]
    assert f"there is no key yet: ssh-keygen -q -t ed25519 -N '' -f {desk.vm.config}/status_key" in told


def test_another_repository_is_told_at_once_how_things_are(desk: Desk, tmp_path: Path) -> None:
    sha = desk.deployed()
    desk.told(sha)

    desk.declare("another")
    desk.vm.gitops("reconcile", "--now")

    assert refs(desk.status, "another") == [f"refs/heads/{BRANCH}"]
    told = json.loads(desk.status.clone("another", tmp_path / "another").show(BRANCH, "status.json"))
    assert told["activeRevision"] == f"main@sha1:{sha}"


def test_nothing_of_either_connection_is_left_when_the_agent_ends(desk: Desk) -> None:
    desk.told(desk.deployed())

    desk.vm.stop()

    assert not [path for path in (desk.vm.home / "run").iterdir() if path.is_socket()]
