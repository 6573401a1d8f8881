"""The deploy key is registered at the forge where there is a token, which goes to its API and into no text."""

from __future__ import annotations

import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import bootstrap
from tests.bootstrap.calling import call
from tests.bootstrap.forgeserver import KINDS, Answer, ForgeServer
from tests.bootstrap.installed import installed
from tests.githttp import HttpServer
from tests.gitserver import SshServer
from tests.ports import LOOPBACK, SilentPort, free_port
from tests.sshkey import SshKey

VARIABLES = {"GitHub": "GITHUB_TOKEN", "GitLab": "GITLAB_TOKEN", "Forgejo": "CODEBERG_TOKEN"}
REPO = bootstrap.repository("ssh://git@127.0.0.1:1/ada/app.git", local=False)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5vdEFLZXlPZkFueWJvZHlCdXRJdExvb2tzTGlrZQ gitops-vm@vm-1"
BARE = KEY.rpartition(" ")[0]


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whoever runs the tests."""
    for name in bootstrap.FORGE_TOKENS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgeServer]:
    with ForgeServer(KINDS[request.param], token=f"canary-{secrets.token_hex(12)}") as server:
        monkeypatch.setenv("FORGE_TOKEN", f"{server.token}\n")
        yield server


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgeServer]:
    with ForgeServer(KINDS["GitHub"], token=f"canary-{secrets.token_hex(12)}") as server:
        monkeypatch.setenv("FORGE_TOKEN", server.token)
        yield server


def forge(server: ForgeServer, repo: bootstrap.Repository = REPO) -> bootstrap.Forge:
    there = bootstrap.forge(repo, server.api)
    assert there
    return there


def refusal(server: ForgeServer, fault: Callable[[BaseHTTPRequestHandler], Answer] | None = None) -> str:
    """The one line that says why the key was not registered; never with the token in it."""
    server.fault = fault
    with pytest.raises(bootstrap.Failed) as refused:
        forge(server).register(KEY, write=True)
    line = str(refused.value)
    assert server.token not in line
    assert "\n" not in line
    return line


def test_a_key_is_registered_once_by_its_name_with_what_it_may_do(server: ForgeServer) -> None:
    assert forge(server).register(KEY, write=True) == "changed"
    assert forge(server).register(KEY, write=True) == "ok"
    (key,) = server.keys
    flag = {server.kind.flag: server.kind.writing}
    assert key == {"id": 1, "title": "gitops-vm@vm-1", "key": BARE, **flag}
    assert [request.split()[0] for request in server.requests] == ["GET", "POST", "GET"]


def test_a_key_that_need_only_read_is_registered_so(server: ForgeServer) -> None:
    forge(server).register(KEY, write=False)
    assert server.keys[0][server.kind.flag] is not server.kind.writing


def test_a_key_that_may_only_read_is_told_where_it_has_to_write(server: ForgeServer) -> None:
    forge(server).register(KEY, write=False)
    assert forge(server).register(KEY, write=False) == "ok"
    line = refusal(server)
    assert "'gitops-vm@vm-1', and it may only read" in line
    assert "remove it there and run this again" in line


def test_a_key_is_found_behind_many_others_and_under_another_comment(server: ForgeServer) -> None:
    others = [{"id": n, "title": "x", "key": f"ssh-ed25519 AAAA{n}", "read_only": True} for n in range(230)]
    server.keys = [*others, {"title": "by hand", "key": f"{BARE} me@laptop", server.kind.flag: server.kind.writing}]
    assert forge(server).register(KEY, write=True) == "ok"


def test_a_key_of_another_repository_is_told_with_the_forge_s_words(server: ForgeServer) -> None:
    server.elsewhere.add(BARE)
    line = refusal(server)
    assert "has the key already, in another repository" in line
    assert "remove deploy_key on the machine" in line


def test_a_token_that_is_not_known_is_told_with_the_one_that_is_needed(server: ForgeServer) -> None:
    server.token, sent = "another", server.token
    line = refusal(server)
    assert "does not take the token in " in line
    assert "(401: " in line
    assert sent not in line
    assert any(need in line for need in ("Administration", "the scope `api`", "write:repository"))


def test_a_repository_the_token_does_not_show_is_told(server: ForgeServer) -> None:
    repo = bootstrap.repository("git@example.org:bob/else.git", local=False)
    with pytest.raises(bootstrap.Failed, match=r"shows the token in \w+ no repository bob/else; correct --repo"):
        forge(server, repo).register(KEY, write=True)


@pytest.mark.parametrize(
    ("answer", "cause", "hint"),
    [
        ((403, {}, {"message": "Resource not accessible by personal access token"}), "may not add a deploy key to ada/app", "Administration"),
        ((403, {}, {"message": "API rate limit exceeded for user ID 1."}), "too many requests", "again in some minutes"),
        ((429, {"Retry-After": "61"}, {"message": "slow down"}), "too many requests", "again in 61 s"),
        ((422, {}, {"message": "key is invalid"}), "refuses the key (422: key is invalid)", "paste it"),
        ((500, {}, "<html>oops</html>"), "cannot answer (500: it says no more)", "later"),
        ((503, {}, {"message": "a\n\x1b[31mb"}), "cannot answer (503: a [31mb)", "later"),
        ((200, {}, "<html>welcome</html>"), "is not the API of GitHub", "check --forge-api"),
        ((200, {}, {"keys": []}), "is not the API of GitHub", "check --forge-api"),
        ((200, {}, "[" * 100_000), "is not the API of GitHub", "check --forge-api"),
    ],
)  # fmt: skip
def test_what_a_forge_refuses_is_one_line_with_what_to_do(
    github: ForgeServer, answer: Answer, cause: str, hint: str
) -> None:
    line = refusal(github, lambda _request: answer)
    assert cause in line
    assert hint in line


def test_a_forge_that_repeats_the_token_does_not_get_it_into_our_words(github: ForgeServer) -> None:
    line = refusal(github, lambda request: (403, {}, {"message": f"{request.headers['Authorization']} may not"}))
    assert "(403: Bearer *** may not)" in line


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_the_token_is_not_sent_where_a_redirect_leads(github: ForgeServer, code: int) -> None:
    with ForgeServer(KINDS["GitHub"], token=github.token) as other:
        elsewhere = f"http://localhost:{other.port}/api/v3/repos/ada/app/keys?a={github.token}"
        line = refusal(github, lambda _request: (code, {"Location": elsewhere}, {}))
        assert "sends us to localhost, where the token does not go" in line
        assert other.requests == []


def test_a_forge_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "canary")
    port = free_port()
    silent = SilentPort(port)
    try:
        assert "127.0.0.1 did not answer within 0.5 s" in _impatient(port)
    finally:
        silent.stop()


def test_a_forge_that_answers_a_byte_at_a_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "canary")
    over = threading.Event()
    with socket.create_server((LOOPBACK, 0)) as listener:
        dripping = threading.Thread(target=_drip, args=(listener, over))
        dripping.start()
        try:
            assert "127.0.0.1 did not answer within 0.5 s" in _impatient(listener.getsockname()[1])
        finally:
            over.set()
            dripping.join()


def _drip(listener: socket.socket, over: threading.Event) -> None:
    connection, _ = listener.accept()
    with connection:
        while not over.wait(0.1):
            connection.send(b"H")


def _impatient(port: int) -> str:
    there = bootstrap.forge(REPO, f"http://127.0.0.1:{port}/api/v3")
    assert there
    there.patience = 0.5
    with pytest.raises(bootstrap.Failed) as refused:
        there.register(KEY, write=True)
    return str(refused.value)


def test_a_forge_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "canary")
    assert "127.0.0.1 cannot be asked: [Errno 111] Connection refused" in _impatient(free_port())


def test_a_certificate_nobody_vouches_for_ends_it_before_the_token_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "canary")
    with HttpServer(tmp_path, tls=True) as server:
        there = bootstrap.forge(REPO, f"https://127.0.0.1:{server.port}/api/v3")
        assert there
        with pytest.raises(bootstrap.Failed, match="certificate"):
            there.register(KEY, write=True)
        assert server.requests == []


def test_plain_http_to_this_machine_goes_through_no_proxy(github: ForgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    silent = SilentPort(port)
    try:
        assert forge(github).register(KEY, write=True) == "changed"
        assert silent.accepted == 0
    finally:
        silent.stop()


def test_a_token_with_something_else_in_it_is_refused_and_not_repeated(
    github: ForgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TOKEN", f"{github.token}\r\nX-Evil: 1")
    assert "FORGE_TOKEN must consist of letters" in refusal(github)
    assert github.requests == []


@pytest.mark.parametrize(
    ("host", "variable", "name"),
    [
        ("github.com", "GITHUB_TOKEN", "GitHub"),
        ("github.com", "GH_TOKEN", "GitHub"),
        ("gitlab.com", "GITLAB_TOKEN", "GitLab"),
        ("codeberg.org", "CODEBERG_TOKEN", "Forgejo"),
        ("gitlab.com", "FORGE_TOKEN", None),
        ("github.com", "GITLAB_TOKEN", None),
        ("gitlab.com", "GITHUB_TOKEN", None),
        ("git.example.org", "GITHUB_TOKEN", None),
        ("git.example.org", "FORGE_TOKEN", None),
    ],
)
def test_a_token_serves_its_own_forge_only(
    monkeypatch: pytest.MonkeyPatch, host: str, variable: str, name: str | None
) -> None:
    monkeypatch.setenv(variable, "canary")
    there = bootstrap.forge(bootstrap.repository(f"git@{host}:ada/app.git", local=False), None)
    assert (there.name if there else None) == name


@pytest.mark.parametrize("kind", KINDS)
def test_the_token_for_a_forge_of_one_s_own_is_not_shown_to_a_known_one(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Code on the one, evidence on the other, and a token for each in the environment."""
    own = bootstrap.repository("git@git.example.edu:ada/app.git", local=False)
    known = bootstrap.repository("git@forge.example:ada/status.git", local=False)
    with (
        ForgeServer(KINDS[kind], token=f"canary-{secrets.token_hex(12)}") as company,
        ForgeServer(KINDS[kind], token=f"canary-{secrets.token_hex(12)}") as ours,
    ):
        monkeypatch.setitem(bootstrap.FORGES, known.host, (KINDS[kind].version, company.api))
        monkeypatch.setenv("FORGE_TOKEN", ours.token)
        monkeypatch.setenv(VARIABLES[kind], company.token)
        for repo, api in ((own, ours.api), (known, None)):
            there = bootstrap.forge(repo, api)
            assert there
            assert there.register(KEY, write=True) == "changed"
        monkeypatch.delenv("FORGE_TOKEN")
        assert bootstrap.forge(own, ours.api) is None
        assert bootstrap.forge(known, company.api)  # as well as by its name


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.org/api/v4", "a token goes over https only"),
        ("ftp://127.0.0.1/api/v4", "a token goes over https only"),
        ("https://ada:canary@example.org/api/v4", "write https://HOST/api/v4 (GitLab)"),
        ("https://gitlab.example.org", "write https://HOST/api/v4 (GitLab)"),
        ("https://gitlab.example.org/api/v4?private_token=canary", "write https://HOST/api/v4 (GitLab)"),
    ],
)
def test_an_api_that_no_token_may_go_to_is_refused_before_anything_else(url: str, why: str) -> None:
    said = call("ops@vm.invalid", "--repo", "git@example.org:a/b", "--forge-api", url)
    assert said.code == 64
    assert why in said.text
    assert "canary" not in said.text


class Desk:
    """A forge with both halves: a git server over ssh, and the API that adds keys to it."""

    def __init__(self, root: Path, server: SshServer, forge: ForgeServer, *options: str) -> None:
        self.server, self.forge = server, forge
        self.setup = installed(root, "--forge-api", forge.api, *options)
        self.repo = bootstrap.repository(server.url("ada/app"), local=False)
        (root / "config").mkdir(exist_ok=True)
        shutil.copy(server.known_hosts, root / "config" / "known_hosts")
        self.public = self.setup.key()

    def access(self) -> None:
        self.setup.access(self.repo, self.public)


@pytest.fixture
def git(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "git", SshKey.generate(tmp_path / "ada")) as server:
        (server.root / "ada").mkdir()
        server.create("ada/app")
        server.clone("ada/app", tmp_path / "clone").deploy("first")
        yield server
        assert "canary" not in server.log()


def test_with_a_token_nobody_has_to_paste_the_key(
    git: SshServer, github: ForgeServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    github.added = lambda line, read_only: git.authorize(line, read_only=read_only)
    desk = Desk(tmp_path / "root", git, github)
    desk.access()
    said = capfd.readouterr().out
    assert "changed  repository" in said
    assert "Paste it here" not in said
    assert f"deploy_key may write to every branch of {git.url('ada/app')}; protect main there" in said
    assert "Rulesets" in said
    assert "when the token that registered it is deleted" in said
    before = len(github.requests)
    Desk(tmp_path / "root", git, github).access()
    again = capfd.readouterr().out
    assert "ok       repository" in again
    assert "protect" not in again
    assert len(github.requests) == before
    assert github.token not in said + again


def test_in_a_script_a_forge_that_refuses_ends_it_at_once(
    git: SshServer, github: ForgeServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    github.fault = lambda _request: (403, {}, {"message": "Resource not accessible by personal access token"})
    with pytest.raises(bootstrap.Failed, match="may not add a deploy key to ada/app at GitHub"):
        Desk(tmp_path / "root", git, github).access()
    assert len(github.requests) == 1
    assert github.token not in capfd.readouterr().out


def test_looking_only_registers_nothing(
    git: SshServer, github: ForgeServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Desk(tmp_path / "root", git, github)  # the agent and the key are there
    Desk(tmp_path / "root", git, github, "--dry-run").access()
    assert "would change repository  the key is registered at GitHub" in capfd.readouterr().out
    assert github.requests == []


def test_the_forge_s_token_does_not_reach_the_machine(github: ForgeServer, tmp_path: Path) -> None:
    said = bootstrap.Machine(str(tmp_path)).answer(["env"]).out
    assert "PATH=" in said
    assert github.token not in said
