"""install/repository.py: which of two repositories refuses which key, and what each key may do, asked of real servers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import bootstrap
from agent import source
from agent.host import remote
from agent.host.origin import remote_of
from agent.paths import locate
from tests.bootstrap.installed import installed
from tests.gitserver import SshServer
from tests.process import run
from tests.repo import ALONE
from tests.sshkey import SshKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    setup: bootstrap.Setup
    root: Path
    server: SshServer

    def key(self, name: str, *, may: str) -> str:
        """The machine's key of this name, which the server lets read, write or do nothing; its path."""
        file = self.root / "config" / name
        key = SshKey.generate(self.root / "made" / name)
        shutil.copy(key.private, file)
        if may != "nothing":
            self.server.authorize(key.public, read_only=may == "read")
        return str(file)

    def check(self, *status: str) -> dict[str, str]:
        data = self.setup.facts["data"]
        urls = (self.server.url("app"), "refs/heads/main", *(self.server.url(name) for name in status))
        return self.setup.machine.ask("repository", data, "check", *urls)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with (
        TemporaryDirectory(prefix="gv-") as home,  # short: a Unix socket goes in there
        SshServer(tmp_path / "git", SshKey.generate(tmp_path / "ada")) as server,
    ):
        for name in ("app", "status"):
            server.create(name)
        server.clone("app", tmp_path / "clone").deploy("first")
        root = Path(home) / "vm"
        setup = installed(root)
        (root / "config").mkdir()
        shutil.copy(server.known_hosts, root / "config" / "known_hosts")
        yield Desk(setup=setup, root=root, server=server)


def test_one_key_that_writes_is_told_what_it_opens(desk: Desk) -> None:
    key = desk.key("deploy_key", may="write")
    said = desk.check()
    assert (said["reason"], said["refuses"], said["may"]) == ("", "", "write")
    assert said["words"] == (
        f"the key in {key} may write to every branch of {desk.server.url('app')}; "
        "protect main there, with a rule that exempts no deploy key\n"
    )


def test_with_a_second_repository_the_code_s_key_need_not_write(desk: Desk) -> None:
    reader, writer = desk.key("deploy_key", may="read"), desk.key("status_key", may="write")
    said = desk.check("status")
    assert (said["reason"], said["refuses"], said["may"]) == ("", "", "write")
    assert said["words"].splitlines() == [
        f"the key in {reader} may only read {desk.server.url('app')}",
        f"the key in {writer} may write to every branch of {desk.server.url('status')}; nothing is deployed from there",
    ]


def test_a_code_key_that_may_write_needlessly_is_named(desk: Desk) -> None:
    desk.key("deploy_key", may="write")
    desk.key("status_key", may="write")
    first, _ = desk.check("status")["words"].splitlines()
    assert f"may write to every branch of {desk.server.url('app')}; let it only read" in first


@pytest.mark.parametrize(
    ("deploy", "status", "refuses", "line"),
    [
        ("nothing", "write", "code", "app.git does not let us in"),
        ("read", "nothing", "status", "status.git does not let us in"),
        ("read", "read", "status", "status.git lets us read and not write"),
    ],
)
def test_the_repository_that_refuses_is_named(desk: Desk, deploy: str, status: str, refuses: str, line: str) -> None:
    desk.key("deploy_key", may=deploy)
    desk.key("status_key", may=status)
    said = desk.check("status")
    assert (said["reason"], said["refuses"], said["may"]) == ("AuthenticationFailed", refuses, "nothing")
    assert line in said["message"]
    assert {"code": "deploy_key", "status": "status_key"}[refuses] in said["hint"]


def test_one_repository_and_a_key_that_only_reads_is_refused_with_how_far_it_came(desk: Desk) -> None:
    desk.key("deploy_key", may="read")
    said = desk.check()
    assert (said["reason"], said["refuses"], said["may"]) == ("AuthenticationFailed", "code", "read")
    assert "write access" in said["hint"]


def test_looking_writes_nothing_and_neither_leaves_nor_ends_a_connection(desk: Desk) -> None:
    desk.key("deploy_key", may="write")
    desk.key("status_key", may="write")
    paths = locate({"GITOPS_VM_HOME": str(desk.root)}, uid=os.getuid())
    agents = remote_of(desk.server.url("app"), "refs/heads/main", paths)
    remote.head(agents)
    shared = [path for path in paths.runtime.iterdir() if path.is_socket()]
    assert shared
    desk.check("status")
    assert [path for path in paths.runtime.iterdir() if path.is_socket()] == shared
    remote.disconnect(agents)
    for name in ("app", "status"):
        refs = run("git", "-C", desk.server.root / f"{name}.git", "for-each-ref", "--format=%(refname)", env=ALONE)
        assert "status/" not in refs


def test_where_the_evidence_goes_is_written_beside_what_was_chosen_before(desk: Desk) -> None:
    file = desk.root / "config" / "source.yaml"
    file.write_text("apiVersion: gitops-vm/v1\nhost: a\nurl: git@h:a\nstatus: {heartbeat: 6h, branch: status/b}\n")
    wanted = {"fixed": {"url": "git@h:a", "status": {"url": "git@h:s"}}, "defaults": {}}
    said = desk.setup.machine.ask("source", desk.setup.facts["data"], str(file), given=json.dumps(wanted).encode())
    assert (said["state"], said["status"], said["statusURL"]) == ("changed", "status/b", "git@h:s")
    assert str(source.parse(file.read_bytes()).status.heartbeat) == "6:00:00"
