"""--status-repo: two repositories, two keys, and each may do what it has to and no more."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

import bootstrap
from agent import source
from tests.bootstrap.calling import call
from tests.bootstrap.forgeserver import KINDS, ForgeServer
from tests.bootstrap.installed import installed
from tests.githttp import HttpServer
from tests.gitserver import SshServer
from tests.repo import Repo, bare_repository
from tests.sshkey import SshKey


class Desk:
    """A machine, and a server with the repositories ada/app and ada/status."""

    def __init__(self, root: Path, server: SshServer) -> None:
        self.root, self.server = root, server

    def run(self, *options: str) -> bootstrap.Setup:
        """The steps that have to do with the repositories, as bootstrap.py takes them."""
        setup = installed(self.root, "--repo-host-key", self.server.fingerprint, *options)
        repo = bootstrap.repository(self.server.url("ada/app"), local=False)
        public = setup.key()
        setup.trust(repo)
        setup.evidence(repo)
        setup.access(repo, public)
        setup.declare(repo)
        return setup

    @property
    def chosen(self) -> tuple[str, ...]:
        return ("--status-repo", self.server.url("ada/status"))

    def declared(self) -> source.Source:
        return source.parse((self.root / "config" / "source.yaml").read_bytes())


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name in bootstrap.FORGE_TOKENS:  # of whoever runs the tests
        monkeypatch.delenv(name, raising=False)
    with SshServer(tmp_path / "git", SshKey.generate(tmp_path / "ada")) as server:
        (server.root / "ada").mkdir()
        for name in ("ada/app", "ada/status"):
            server.create(name)
        server.clone("ada/app", tmp_path / "clone").deploy("first")
        yield Desk(tmp_path / "root", server)


def test_each_key_is_registered_with_what_it_has_to_do_and_a_second_run_keeps_it_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    token = f"canary-{secrets.token_hex(12)}"
    monkeypatch.setenv("FORGE_TOKEN", token)
    with ForgeServer(KINDS["GitHub"], token=token) as forge:
        forge.added = lambda line, read_only: desk.server.authorize(line, read_only=read_only)
        desk.run(*desk.chosen, "--forge-api", forge.api)
        said = capfd.readouterr().out
        ((code,), (status,)) = forge.keys, forge.status_keys
        assert (code["title"], code["read_only"]) == ("gitops-vm@VM-1.example.edu", True)
        assert (status["title"], status["read_only"]) == ("gitops-vm-status@VM-1.example.edu", False)
        assert f"deploy_key may only read {desk.server.url('ada/app')}" in said
        assert f"status_key may write to every branch of {desk.server.url('ada/status')}" in said
        assert "To protect a branch" not in said
        before = len(forge.requests)
        again = desk.run("--forge-api", forge.api)
        assert len(forge.requests) == before
    assert desk.declared().status.url == again.source["statusURL"] == desk.server.url("ada/status")
    lines = [line.split()[:2] for line in capfd.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["ok"] * len(lines)
    assert ["ok", "status"] in lines
    assert token not in said


def test_without_a_token_each_key_is_shown_with_what_it_needs(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(bootstrap.Failed, match=r"ada/app\.git does not let us in"):
        desk.run(*desk.chosen)
    first = capfd.readouterr().out
    assert "needs read access to the code, and no more:" in first
    assert "evidence" not in first
    for line in first.splitlines():
        if line.strip().startswith("ssh-ed25519"):
            desk.server.authorize(line.strip(), read_only=True)
    with pytest.raises(bootstrap.Failed, match=r"ada/status\.git does not let us in"):
        desk.run(*desk.chosen)
    second = capfd.readouterr().out
    assert "needs write access to the repository that is for it alone:" in second
    assert "gitops-vm-status@VM-1.example.edu" in second
    assert not (desk.root / "config" / "source.yaml").exists()


def test_keys_of_one_s_own_are_used(desk: Desk, tmp_path: Path) -> None:
    keys = {name: SshKey.generate(tmp_path / "own" / name) for name in ("deploy", "status")}
    desk.server.authorize(keys["deploy"].public, read_only=True)
    desk.server.authorize(keys["status"].public)
    given = [part for name, key in keys.items() for part in (f"--{name}-key", str(key.private))]
    desk.run(*desk.chosen, *given)
    assert (desk.root / "config" / "status_key").read_text() == keys["status"].private.read_text()
    assert (desk.root / "config" / "status_key").stat().st_mode & 0o777 == 0o600


def test_looking_only_asks_for_nothing_and_writes_nothing(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    desk.run(*desk.chosen, "--dry-run")
    said = capfd.readouterr().out
    assert "would change status key" in said
    assert "would change repository" in said
    assert not (desk.root / "config").exists()


def test_over_https_the_evidence_has_a_token_of_its_own(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = secrets.token_hex(16)
    with HttpServer(tmp_path / "https", login=("bot", token), tls=True) as server:
        server.create("status")
        setup = installed(desk.root, "--status-repo", server.url("status"))
        setup.machine.environ |= server.environment
        bare = bare_repository(tmp_path / "app.git")
        Repo.clone(bare, tmp_path / "work").deploy("first")
        code = bootstrap.repository(str(bare), local=True)
        with pytest.raises(bootstrap.Failed, match="read -rs GIT_STATUS_TOKEN"):
            setup.evidence(code)
        monkeypatch.setenv("GIT_STATUS_TOKEN", token)
        monkeypatch.setenv("GIT_STATUS_USERNAME", "bot")
        setup.evidence(code)
        setup.access(code, "")
        file = desk.root / "config" / "status_credentials"
        assert (file.read_text(), file.stat().st_mode & 0o777) == (f"bot:{token}\n", 0o600)


@pytest.mark.parametrize("url", ["/srv/status.git", "https://canary@example.org/s", "http://example.org/s", "--x"])
def test_an_address_that_cannot_be_meant_is_refused_before_anything_is_touched(url: str) -> None:
    said = call("ops@vm.invalid", "--repo", "git@example.org:a/b", f"--status-repo={url}")
    assert said.code == 64
    assert "--status-repo: " in said.text
    assert "canary" not in said.text
    assert said.steps() == {}


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("url: git@h:a\nstatus:\n  heartbeat: 6h\n  url: git@h:s\nlimits: {files: 7}\n", "git@h:s"),
        ("url: git@h:a\nstatus: {branch: status/b, url: 'git@h:s'}\n", "git@h:s"),
        ('status: {url: "git@h:s", heartbeat: 6h}\nurl: git@h:a\n', "git@h:s"),
        ("status: {heartbeat: 6h}\nurl: git@h:a\n", None),
        ("url: git@h:status\n", None),
    ],
)
def test_what_is_taken_off_a_vm_knows_where_its_evidence_was(tmp_path: Path, written: str, url: str | None) -> None:
    machine = bootstrap.Machine(str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "source.yaml").write_text(f"apiVersion: gitops-vm/v1\nhost: vm-1\n{written}")
    key = machine.call("key", f"{tmp_path}/config/status_key", "x").splitlines()[1]
    said = machine.call("uninstall", "look", f"{tmp_path}/config", str(tmp_path), f"{tmp_path}/none")
    facts = dict(line.split("=", 1) for line in said.splitlines())
    assert facts.get("status_url") == url
    assert facts["status_public"] == key
