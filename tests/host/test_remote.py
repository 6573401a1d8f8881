"""What the daemon asks, against real servers, and against addresses and repositories that mean harm."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.errors import AgentError, Broken, Reason, Stalled, Transient
from agent.host import git, mirror, remote
from agent.host.git import Remote
from agent.host.git_errors import public
from tests.githttp import HttpServer
from tests.gitserver import GitServer, SshServer
from tests.ports import ssh_banner
from tests.process import Failed, run
from tests.repo import ALONE, Repo, bare_repository
from tests.sshkey import SshKey
from tests.waiting import wait_for

TOKEN = "tok:en-s3cr3t"  # noqa: S105 (of a server that lives as long as the test)


@pytest.fixture
def runtime() -> Iterator[Path]:
    with TemporaryDirectory(prefix="gv-") as folder:  # short: a Unix socket goes in there
        yield Path(folder)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    top = tmp_path_factory.mktemp("ssh")
    with SshServer(top, SshKey.generate(top / "key")) as server:
        server.create("app")
        server.clone("app", top / "clone").deploy("the first", {"app.py": "1"})
        yield server


@pytest.fixture
def ssh(sshd: SshServer) -> Iterator[SshServer]:
    """The same server for all tests; one that was made to fail is cured afterwards."""
    yield sshd
    if not ssh_banner(sshd.port):
        sshd.up()


@pytest.fixture
def https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    with HttpServer(tmp_path / "https", login=("ada", TOKEN), tls=True) as server:
        monkeypatch.setenv("GIT_SSL_CAINFO", str(server.certificate))
        server.create("app")
        yield server


def head_of(server: GitServer) -> str:
    return run("git", "--git-dir", server.root / "app.git", "rev-parse", "main", env=ALONE).strip()


def over_ssh(server: SshServer, runtime: Path, **changes) -> Remote:
    facts = {
        "url": server.url("app"),
        "ref": "refs/heads/main",
        "runtime": runtime,
        "key": server.key.private,
        "known_hosts": server.known_hosts,
    }
    return Remote(**{**facts, **changes})


def over_https(server: HttpServer, runtime: Path, credentials: str, mode: int = 0o600) -> Remote:
    path = runtime / "credentials"
    path.write_text(credentials)
    path.chmod(mode)
    return Remote(url=server.url("app"), ref="refs/heads/main", runtime=runtime, credentials=path)


def local(tmp_path: Path) -> tuple[Repo, Remote]:
    clone = Repo.clone(bare_repository(tmp_path / "hub.git"), tmp_path / "clone")
    return clone, Remote(url=str(tmp_path / "hub.git"), ref="refs/heads/main", runtime=tmp_path / "run")


def failure(of: Remote, deadline: timedelta = remote.DEADLINE) -> AgentError:
    with pytest.raises(AgentError) as raised:
        remote.head(of, deadline=deadline)
    assert TOKEN not in f"{raised.value} {raised.value.evidence} {raised.value.hint}"
    return raised.value


def test_the_head_of_a_branch_is_its_commit_and_no_namesakes(tmp_path: Path) -> None:
    clone, main = local(tmp_path)
    head = clone.deploy("the first", {"app.py": "1"})
    clone.commit("another", {"app.py": "2"})
    clone.push("origin", "HEAD:refs/heads/aside/refs/heads/main")
    assert remote.head(main) == head


def test_an_annotated_tag_answers_with_the_commit_behind_it(tmp_path: Path) -> None:
    clone, main = local(tmp_path)
    head = clone.deploy("the first", {"app.py": "1"})
    clone.git("tag", "--annotate", "v1", "--message=one")
    clone.push("origin", "v1")
    assert remote.head(replace(main, ref="refs/tags/v1")) == head != clone.git("rev-parse", "v1")


def test_a_commit_answers_itself_without_asking(tmp_path: Path) -> None:
    assert remote.head(Remote(url="https://nope.invalid/x", ref="1" * 40, runtime=tmp_path)) == "1" * 40


def test_over_ssh_with_a_pinned_key(ssh: SshServer, runtime: Path) -> None:
    head = head_of(ssh)
    assert remote.head(over_ssh(ssh, runtime)) == head


def test_a_shared_connection_is_used_again_and_ends_when_told(ssh: SshServer, runtime: Path) -> None:
    shared = over_ssh(ssh, runtime, persist=timedelta(seconds=30))
    before = ssh.log().count("Accepted publickey")
    assert remote.head(shared) == remote.head(shared) == remote.head(shared)
    assert ssh.log().count("Accepted publickey") == before + 1
    remote.disconnect(shared)
    wait_for(lambda: not [path for path in runtime.iterdir() if path.is_socket()], "the end of the connection")


def test_a_remote_that_says_no_does_not_end_the_connection_that_others_use(
    ssh: SshServer, runtime: Path, tmp_path: Path
) -> None:
    shared = over_ssh(ssh, runtime, persist=timedelta(seconds=30))
    remote.head(shared)
    before = ssh.log().count("Accepted publickey")
    mirror.make(tmp_path / "mirror.git")
    there = {"directory": tmp_path / "mirror.git", "deadline": remote.DEADLINE}
    with pytest.raises(Stalled):
        git.talk(shared, "fetch", "--", shared.url, "refs/heads/none:refs/heads/none", **there)
    git.talk(shared, "fetch", "--", shared.url, "refs/heads/main:refs/heads/main", **there)
    git.talk(shared, "push", "--", shared.url, "refs/heads/main:refs/heads/taken", **there)
    run("git", "--git-dir", ssh.root / "app.git", "update-ref", "refs/heads/taken", _another_root(ssh), env=ALONE)
    with pytest.raises(AgentError) as refused:
        git.talk(shared, "push", "--", shared.url, "refs/heads/main:refs/heads/taken", **there)
    assert "[rejected]" in refused.value.evidence
    remote.head(shared)
    assert ssh.log().count("Accepted publickey") == before
    run("git", "--git-dir", ssh.root / "app.git", "update-ref", "-d", "refs/heads/taken", env=ALONE)
    remote.disconnect(shared)


def _another_root(server: GitServer) -> str:
    """A commit of the repository without a parent, which no push can go on from."""
    words = ("commit-tree", "-m", "another", "refs/heads/main^{tree}")
    return run("git", "--git-dir", server.root / "app.git", *words, env=ALONE).strip()


def test_a_shared_connection_is_not_used_with_another_key(ssh: SshServer, runtime: Path, tmp_path: Path) -> None:
    shared = over_ssh(ssh, runtime, persist=timedelta(seconds=30))
    remote.head(shared)
    stranger = SshKey.generate(tmp_path / "stranger")
    other = over_ssh(ssh, runtime, persist=timedelta(seconds=30), key=stranger.private)
    assert failure(other).reason is Reason.AUTHENTICATION_FAILED
    remote.disconnect(shared)


def test_where_the_runtime_directory_is_too_long_each_call_connects(ssh: SshServer, runtime: Path) -> None:
    head = head_of(ssh)
    assert remote.head(over_ssh(ssh, runtime / ("x" * 90), persist=timedelta(seconds=30))) == head


def test_a_key_that_is_not_let_in_says_what_to_do(ssh: SshServer, runtime: Path, tmp_path: Path) -> None:
    error = failure(over_ssh(ssh, runtime, key=SshKey.generate(tmp_path / "stranger").private))
    assert isinstance(error, Broken)
    assert error.reason is Reason.AUTHENTICATION_FAILED
    assert "Permission denied (publickey)" in error.message
    assert f"ssh-keygen -yf {tmp_path}/stranger" in error.hint


@pytest.mark.parametrize("known", ["changed", "unknown"])
def test_a_host_that_is_not_the_pinned_one_is_refused(
    ssh: SshServer, runtime: Path, tmp_path: Path, known: str
) -> None:
    pinned = tmp_path / "pinned"
    place = ssh.known_hosts.read_text().split()[0]
    pinned.write_text(f"{place} {SshKey.generate(tmp_path / 'other').public}\n" if known == "changed" else "")
    error = failure(over_ssh(ssh, runtime, known_hosts=pinned))
    assert isinstance(error, Broken)
    assert error.reason is Reason.HOST_KEY_MISMATCH
    assert f"ssh-keyscan -p {ssh.port} 127.0.0.1 >> {pinned}" in error.hint


def test_a_server_that_is_down_may_come_back(ssh: SshServer, runtime: Path) -> None:
    head = head_of(ssh)
    ssh.down()
    error = failure(over_ssh(ssh, runtime))
    assert isinstance(error, Transient)
    assert error.reason is Reason.GIT_OPERATION_FAILED
    assert "Connection refused" in error.message
    ssh.up()
    assert remote.head(over_ssh(ssh, runtime)) == head


def test_a_server_that_never_answers_costs_the_deadline(ssh: SshServer, runtime: Path) -> None:
    ssh.hang()
    ticks: list[None] = []
    with pytest.raises(Transient, match=r"did not answer within 1\.5 s") as raised:
        remote.head(over_ssh(ssh, runtime), deadline=timedelta(seconds=1.5), tick=lambda: ticks.append(None))
    assert raised.value.reason is Reason.DEADLINE_EXCEEDED
    assert ticks


def test_over_https_with_credentials_from_a_file(https: HttpServer, runtime: Path, tmp_path: Path) -> None:
    head = https.clone("app", tmp_path / "clone").deploy("the first", {"app.py": "1"})
    for line in (f"ada:{TOKEN}\n", f"ada:{TOKEN}"):
        assert remote.head(over_https(https, runtime, line)) == head
    assert stat.S_IMODE((runtime / "askpass").stat().st_mode) == 0o700
    assert TOKEN not in (runtime / "askpass").read_text()


@pytest.mark.parametrize(
    ("line", "mode", "hint"),
    [("ada:wrong", 0o600, "user:token"), ("", 0o600, "user:token"), (f"ada:{TOKEN}", 0o644, "chmod 600")],
)
def test_credentials_that_do_not_help_say_what_to_type(
    https: HttpServer, runtime: Path, line: str, mode: int, hint: str
) -> None:
    error = failure(over_https(https, runtime, line, mode))
    assert isinstance(error, Broken)
    assert error.reason is Reason.AUTHENTICATION_FAILED
    assert hint in error.hint


def test_credentials_are_for_their_own_host_only(https: HttpServer, runtime: Path) -> None:
    """After a redirect git asks for the credentials of the host it was sent to."""
    env = {**os.environ, **git.environment(over_https(https, runtime, f"ada:{TOKEN}"))}
    ours = f"Password for 'https://ada@127.0.0.1:{https.port}': "
    assert run(env["GIT_ASKPASS"], ours, env=env) == f"{TOKEN}\n"
    for host in ("evil.example", f"127.0.0.1:{https.port}.evil.example", "127.0.0.1", f"x127.0.0.1:{https.port}"):
        for question in (f"Username for 'https://{host}': ", f"Password for 'https://ada@{host}': "):
            with pytest.raises(Failed, match="exit 1"):
                run(env["GIT_ASKPASS"], question, env=env)


def test_a_certificate_nobody_vouches_for_is_refused(
    https: HttpServer, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_SSL_CAINFO")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert "certificate" in failure(over_https(https, runtime, f"ada:{TOKEN}")).message


@pytest.mark.parametrize("ref", ["refs/heads/none", "refs/tags/none"])
def test_a_ref_that_is_not_there_waits_for_a_push(tmp_path: Path, ref: str) -> None:
    _, main = local(tmp_path)
    error = failure(replace(main, ref=ref))
    assert isinstance(error, Stalled)
    assert error.reason is Reason.REF_NOT_FOUND


def test_a_repository_that_is_not_there_is_told_from_a_network_that_is_not(ssh: SshServer, runtime: Path) -> None:
    gone = failure(over_ssh(ssh, runtime, url=ssh.url("gone")))
    away = failure(Remote(url="https://nope.invalid/x", ref="refs/heads/main", runtime=runtime))
    assert (type(gone), type(away)) == (Broken, Transient)
    assert "there is no repository" in gone.message


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% {mark}",
        "--upload-pack=touch {mark}",
        "ssh://-oProxyCommand=touch%20{mark}/x",
        "-oProxyCommand=touch {mark}:x",
        "git://127.0.0.1:9/x",
        "http://example.org/x",
        "ftp://127.0.0.1:9/x",
        "file:///nonexistent;touch {mark}",
        "fd::17",
        "https://ada:tok:en-s3cr3t@127.0.0.1:9/x",
    ],
)
def test_a_hostile_address_is_refused_and_runs_nothing(tmp_path: Path, url: str) -> None:
    mark = tmp_path / "mark"
    assert isinstance(failure(Remote(url=url.format(mark=mark), ref="refs/heads/main", runtime=tmp_path)), Broken)
    assert not mark.exists()


@pytest.mark.parametrize(
    "ref", ["refs/--upload-pack=touch {mark}", "refs/heads/-x", "refs/heads/$(touch {mark})", "refs/*"]
)
def test_a_hostile_ref_is_only_a_name(tmp_path: Path, ref: str) -> None:
    clone, main = local(tmp_path)
    clone.deploy("the first", {"app.py": "1"})
    mark = tmp_path / "mark"
    assert failure(replace(main, ref=ref.format(mark=mark))).reason is Reason.REF_NOT_FOUND
    assert not mark.exists()


def test_neither_the_users_configuration_nor_a_trace_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone, main = local(tmp_path)
    head = clone.deploy("the first", {"app.py": "1"})
    (tmp_path / ".gitconfig").write_text(f'[url "/nonexistent"]\n\tinsteadOf = {main.url}\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url./nonexistent.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", main.url)
    assert remote.head(main) == head
    assert not (tmp_path / "trace").exists()


def test_a_hook_of_the_mirror_is_not_run(tmp_path: Path) -> None:
    bare = bare_repository(tmp_path / "bare.git")
    hook = bare / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/mark\n")
    hook.chmod(0o755)
    clone, main = local(tmp_path)
    clone.deploy("the first", {"app.py": "1"})
    words = ("fetch", "--quiet", "--", main.url, "+refs/heads/main:refs/heads/x")
    git.talk(main, *words, directory=bare, deadline=timedelta(seconds=20))
    assert not (tmp_path / "mark").exists()
    run("git", "--git-dir", bare, "update-ref", "refs/heads/y", "refs/heads/x", env=ALONE)
    assert (tmp_path / "mark").exists(), "the hook works where it is heard"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@h/x failed", "https://***@h/x failed"),
        ("https://tok@h/x", "https://***@h/x"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("https://h/x?access_token=abc&b", "https://h/x?***"),
        ("'https://h/x?t=1'", "'https://h/x?***'"),
        ("git@h:x", "git@h:x"),
    ],
)
def test_what_may_be_secret_in_a_url_is_not_shown(text: str, shown: str) -> None:
    assert public(text) == shown


def test_a_remote_survives_json(tmp_path: Path) -> None:
    full = Remote(
        url="ssh://git@h/x",
        ref="refs/heads/main",
        runtime=tmp_path,
        key=tmp_path / "k",
        known_hosts=tmp_path / "h",
        persist=timedelta(seconds=2.5),
    )
    for each in (full, Remote(url="https://h/x", ref="1" * 40, runtime=tmp_path, credentials=tmp_path / "c")):
        assert Remote.from_json(each.to_json()) == each


@pytest.mark.parametrize(
    ("url", "protocol", "host"),
    [
        ("git@github.com:a/b.git", "ssh", "github.com"),
        ("ssh://git@h:2222/x", "ssh", "h:2222"),
        ("ssh://[::1]:22/x", "ssh", "[::1]:22"),
        ("https://h:8443/x", "https", "h:8443"),
        ("/srv/x.git", "file", ""),
        ("file:///srv/x.git", "file", ""),
        ("http://127.0.0.1:8000/x", "http", "127.0.0.1:8000"),
        ("http://localhost.evil.example/x", "none", "localhost.evil.example"),
        ("http://h/x", "none", "h"),
    ],
)
def test_an_address_is_read_as_git_reads_it(tmp_path: Path, url: str, protocol: str, host: str) -> None:
    each = Remote(url=url, ref="refs/heads/main", runtime=tmp_path)
    assert (each.protocol, each.host) == (protocol, host)


def test_the_daemon_needs_no_heavy_modules_for_it() -> None:
    code = "import sys, agent.host.remote; print(*{'pydantic', 'git', 'requests', 'yaml'} & set(sys.modules))"
    assert run(sys.executable, "-c", code, cwd=Path(__file__).parents[2]).split() == []


def test_without_git_it_is_said_with_what_to_type(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from agent.host import remote; from agent.host.transport import Remote\n"
        f"remote.head(Remote(url={str(tmp_path)!r}, ref='refs/heads/main', runtime=Path({str(tmp_path)!r})))"
    )
    with pytest.raises(Failed) as failed:
        run(sys.executable, "-c", code, env={"PATH": str(tmp_path)}, cwd=Path(__file__).parents[2])
    assert "agent.errors.Broken: git is not installed here; type: sudo apt-get install git" in failed.value.err
