"""source.yaml and the first contact with the repository, by the agent's own code."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

import bootstrap
from agent import source
from tests.bootstrap.installed import installed
from tests.githttp import HttpServer
from tests.gitserver import SshServer
from tests.process import run
from tests.repo import Repo, bare_repository
from tests.sshkey import SshKey

REPO = bootstrap.repository("git@github.com:me/mood.git", local=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "git", SshKey.generate(tmp_path / "ada")) as server:
        server.create("app")
        yield server


def declared(root: Path) -> source.Source:
    return source.parse((root / "config" / "source.yaml").read_bytes())


def test_what_is_asked_for_is_what_the_agent_reads(tmp_path: Path) -> None:
    setup = installed(
        tmp_path, "--branch", "release", "--path", "deploy/state.yaml", "--index", "https://example.org/simple"
    )
    setup.declare(REPO)
    written = declared(tmp_path)
    assert (written.url, written.ref.branch, written.path) == (REPO.url, "release", "deploy/state.yaml")
    assert written.host == "vm-1"
    assert written.packages.index == "https://example.org/simple"
    assert setup.source["status"] == "status/vm-1"
    assert (tmp_path / "config" / "source.yaml").stat().st_mode & 0o777 == 0o600


def test_a_second_run_writes_nothing_and_keeps_what_was_chosen_before(tmp_path: Path) -> None:
    installed(tmp_path, "--branch", "release", "--name", "mood-1").declare(REPO)
    before = (tmp_path / "config" / "source.yaml").stat().st_mtime_ns
    again = installed(tmp_path)
    again.declare(REPO)
    assert again.source == {
        "state": "ok",
        "host": "mood-1",
        "url": REPO.url,
        "ref": "refs/heads/release",
        "status": "status/mood-1",
        "statusURL": "",
    }
    assert (tmp_path / "config" / "source.yaml").stat().st_mtime_ns == before


def test_what_somebody_wrote_by_hand_stays(tmp_path: Path) -> None:
    file = tmp_path / "config" / "source.yaml"
    file.parent.mkdir()
    file.write_text(
        f"# ours\napiVersion: gitops-vm/v1\nhost: a\nurl: {REPO.url}\nlimits: {{files: 7}}\nref: {{tag: v1}}\n"
    )
    installed(tmp_path).declare(REPO)
    assert declared(tmp_path).limits.files == 7
    installed(tmp_path, "--name", "b").declare(REPO)
    assert (declared(tmp_path).host, declared(tmp_path).limits.files, declared(tmp_path).ref.tag) == ("b", 7, "v1")


def test_what_the_agent_would_not_read_is_refused_in_its_words_and_not_written(tmp_path: Path) -> None:
    with pytest.raises(bootstrap.Failed, match="host"):
        installed(tmp_path, "--name", "Not A Name").declare(REPO)
    assert not (tmp_path / "config" / "source.yaml").exists()


def test_pip_s_places_are_handed_on_to_the_agent_as_far_as_they_exist(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    setup = installed(tmp_path)
    setup.machine.environ |= {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_FIND_LINKS": f"{wheels} /nowhere https://example.org/wheels",
        "PIP_INDEX_URL": "https://index.example.org/simple",
        "PIP_EXTRA_INDEX_URL": "https://me:canary@example.org/simple file:///nowhere/simple https://example.org/more",
    }
    setup.declare(REPO)
    packages = declared(tmp_path).packages
    assert packages.find_links == (str(wheels), "https://example.org/wheels")
    assert packages.index == "https://index.example.org/simple"
    assert packages.extra_index == ("https://example.org/more",)


def test_a_key_that_may_read_but_not_write_is_not_enough(server: SshServer, tmp_path: Path) -> None:
    reader = SshKey.generate(tmp_path / "reader")
    server.clone("app", tmp_path / "clone").deploy("first")
    server.authorize(reader.public, read_only=True)
    arguments = ("--deploy-key", str(reader.private), "--repo-host-key", server.fingerprint)
    setup = installed(tmp_path / "root", *arguments)
    repo = bootstrap.repository(server.url("app"), local=False)
    setup.trust(repo)
    with pytest.raises(bootstrap.Failed, match="no write access"):
        setup.access(repo, setup.key())
    server.authorize(SshKey.generate(tmp_path / "unrelated").public)
    server.revoke(reader.public)
    server.authorize(reader.public)
    setup.access(repo, setup.key())


def test_looking_whether_it_may_write_writes_nothing(tmp_path: Path) -> None:
    bare = bare_repository(tmp_path / "app.git")
    Repo.clone(bare, tmp_path / "clone").deploy("first")
    before = run("git", "-C", bare, "for-each-ref")
    installed(tmp_path / "root").access(bootstrap.repository(str(bare), local=True), "")
    assert run("git", "-C", bare, "for-each-ref") == before


def test_a_token_for_https_is_kept_in_a_file_of_one_user_and_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = secrets.token_hex(16)
    with HttpServer(tmp_path / "git", login=("ada", token), tls=True) as server:
        server.create("app")
        server.clone("app", tmp_path / "clone").deploy("first")
        setup = installed(tmp_path / "root")
        setup.machine.environ |= server.environment
        repo = bootstrap.repository(f"https://127.0.0.1:{server.port}/app.git", local=False)
        with pytest.raises(bootstrap.Failed, match="GIT_TOKEN"):
            setup.credentials(repo)
        monkeypatch.setenv("GIT_TOKEN", f"{token}\n")
        monkeypatch.setenv("GIT_USERNAME", "ada")
        setup.credentials(repo)
        setup.access(repo, "")
        file = tmp_path / "root" / "config" / "credentials"
        assert (file.read_text(), file.stat().st_mode & 0o777) == (f"ada:{token}\n", 0o600)
        monkeypatch.delenv("GIT_TOKEN")
        setup.credentials(repo)
        assert file.read_text() == f"ada:{token}\n"
