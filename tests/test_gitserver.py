"""The test bed's git servers behave as a forge does, and fail as one does. No root, no VM."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.githttp import HttpServer
from tests.gitserver import GitServer, SshServer
from tests.ports import answers
from tests.process import Failed, descendants, run
from tests.repo import ALONE
from tests.sshkey import SshKey

SERVERS: dict[str, Callable[[Path], GitServer]] = {
    "ssh": lambda home: SshServer(home, SshKey.generate(home / "keys" / "ada")),
    "http": HttpServer,
    "https with a login": lambda home: HttpServer(home, login=("ada", secrets.token_hex(8)), tls=True),
}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitServer]:
    with SERVERS[request.param](tmp_path / "server") as server:
        yield server


def test_what_one_person_pushes_another_one_clones(server: GitServer, tmp_path: Path) -> None:
    server.create("ada/app")
    ada = server.clone("ada/app", tmp_path / "ada")
    revision = ada.deploy("first", {"src/app.py": "print('hello')\n", "model.bin": os.urandom(3_000_000)})
    bob = server.clone("ada/app", tmp_path / "bob")
    assert bob.head == revision == ada.remote_head("main")
    assert ada.remote_head("nowhere") is None
    assert bob.log("main") == ["first"]
    assert bob.show("main", "src/app.py") == "print('hello')\n"


def test_a_server_that_is_down_refuses_and_the_same_url_works_once_it_is_up_again(
    server: GitServer, tmp_path: Path
) -> None:
    server.create("app")
    ada = server.clone("app", tmp_path / "ada")
    server.down()
    assert not answers(server.port)
    with pytest.raises(Failed):
        ada.deploy("too early")
    server.up()
    ada.push()
    assert ada.log("main") == ["too early"]


def test_a_server_that_hangs_takes_the_connection_and_never_answers(server: GitServer, tmp_path: Path) -> None:
    server.create("app")
    ada = server.clone("app", tmp_path / "ada")
    silent = server.hang()
    with pytest.raises(Failed) as failed:
        ada.git("ls-remote", "origin", within=timedelta(seconds=2))
    assert failed.value.code is None
    assert silent.accepted >= 1
    server.up()
    assert ada.remote_head("main") is None


@pytest.fixture
def others() -> set[int]:
    """What runs for other tests of this session, before the server does."""
    return {*descendants(os.getpid())}


def test_nothing_of_a_server_is_left(others: set[int], server: GitServer) -> None:
    server.down()
    assert not answers(server.port)
    assert {*descendants(os.getpid())} <= others


def test_a_stranger_s_key_is_refused_and_an_authorised_one_is_let_in_until_it_is_revoked(tmp_path: Path) -> None:
    ada, deploy = SshKey.generate(tmp_path / "ada"), SshKey.generate(tmp_path / "deploy")
    with SshServer(tmp_path / "server", ada) as server:
        server.create("app")
        theirs = {**ALONE, **server.environment}
        theirs["GIT_SSH_COMMAND"] = theirs["GIT_SSH_COMMAND"].replace(str(ada.private), str(deploy.private))
        with pytest.raises(Failed, match="Permission denied"):
            run("git", "ls-remote", server.url("app"), env=theirs)
        server.authorize(deploy.public)
        run("git", "ls-remote", server.url("app"), env=theirs)
        server.revoke(deploy.public)
        with pytest.raises(Failed, match="Permission denied"):
            run("git", "ls-remote", server.url("app"), env=theirs)


def test_a_read_only_key_fetches_and_its_push_is_refused(tmp_path: Path) -> None:
    ada, reader = SshKey.generate(tmp_path / "ada"), SshKey.generate(tmp_path / "reader")
    with SshServer(tmp_path / "server", ada) as server:
        server.create("app")
        server.clone("app", tmp_path / "ada-clone").deploy("first")
        server.authorize(reader.public, read_only=True)
        server.key = reader
        clone = server.clone("app", tmp_path / "reader-clone")
        with pytest.raises(Failed, match="no write access"):
            clone.deploy("mine")
        assert clone.log("main") == ["first"]


def test_ssh_gives_git_and_no_shell(tmp_path: Path) -> None:
    ada = SshKey.generate(tmp_path / "ada")
    with SshServer(tmp_path / "server", ada) as server:
        command = server.environment["GIT_SSH_COMMAND"].split()
        with pytest.raises(Failed):
            run(*command, "-p", str(server.port), "127.0.0.1", "id")


def test_without_the_login_http_answers_401(tmp_path: Path) -> None:
    with HttpServer(tmp_path / "server", login=("ada", "secret")) as server:
        server.create("app")
        with pytest.raises(Failed, match="could not read Username"):
            run("git", "ls-remote", server.url("app"), env=ALONE)
        assert len(server.requests) == 1
