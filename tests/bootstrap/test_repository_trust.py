"""Whose host key the machine trusts for the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bootstrap
from tests.gitserver import SshServer
from tests.sshkey import SshKey

GITHUB = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
"""As docs.github.com publishes it."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "git", SshKey.generate(tmp_path / "ada")) as server:
        server.create("app")
        yield server


def setup(tmp_path: Path, *arguments: str) -> bootstrap.Setup:
    made = bootstrap.Setup(
        bootstrap.Console(), bootstrap.Machine(str(tmp_path / "root")), bootstrap.parse(["local", "--yes", *arguments])
    )
    made.facts = {"config": str(tmp_path / "root" / "config")}
    return made


def known(tmp_path: Path) -> list[bootstrap.HostKey]:
    return bootstrap.host_keys((tmp_path / "root" / "config" / "known_hosts").read_text())


def test_a_forge_is_known_without_asking_the_network(tmp_path: Path) -> None:
    setup(tmp_path).trust(bootstrap.repository("git@github.com:me/mood.git", local=False))
    (key,) = known(tmp_path)
    assert (key.host, key.fingerprint) == ("github.com", GITHUB)


def test_another_fingerprint_for_a_forge_is_refused(tmp_path: Path) -> None:
    wrong = "SHA256:" + "A" * 43
    with pytest.raises(bootstrap.Failed, match="ask whoever runs it"):
        setup(tmp_path, "--repo-host-key", wrong).trust(bootstrap.repository("git@github.com:me/mood.git", local=False))


def test_an_unknown_server_is_refused_with_its_fingerprint_and_the_option_to_add(
    server: SshServer, tmp_path: Path
) -> None:
    with pytest.raises(bootstrap.Failed) as refused:
        setup(tmp_path).trust(bootstrap.repository(server.url("app"), local=False))
    assert f"--repo-host-key {server.fingerprint}" in str(refused.value)
    assert not (tmp_path / "root" / "config" / "known_hosts").exists()


def test_a_server_is_trusted_by_its_fingerprint_and_then_known(server: SshServer, tmp_path: Path) -> None:
    repo = bootstrap.repository(server.url("app"), local=False)
    setup(tmp_path, "--repo-host-key", server.fingerprint).trust(repo)
    (key,) = known(tmp_path)
    assert (key.host, key.fingerprint) == (f"[127.0.0.1]:{server.port}", server.fingerprint)
    server.down()
    setup(tmp_path).trust(repo)
    setup(tmp_path, "--repo-host-key", server.fingerprint).trust(repo)
    assert known(tmp_path) == [key]


def test_another_key_than_the_named_one_is_refused(server: SshServer, tmp_path: Path) -> None:
    other = SshKey.generate(tmp_path / "other").fingerprint
    with pytest.raises(bootstrap.Failed) as refused:
        setup(tmp_path, "--repo-host-key", other).trust(bootstrap.repository(server.url("app"), local=False))
    assert server.fingerprint in str(refused.value)


def test_a_new_key_of_a_known_server_needs_its_fingerprint(server: SshServer, tmp_path: Path) -> None:
    old = SshKey.generate(tmp_path / "old").public.split()
    file = tmp_path / "root" / "config" / "known_hosts"
    file.parent.mkdir(parents=True)
    file.write_text(f"other.example.org {old[0]} {old[1]}\n[127.0.0.1]:{server.port} {old[0]} {old[1]}\n")
    setup(tmp_path, "--repo-host-key", server.fingerprint).trust(bootstrap.repository(server.url("app"), local=False))
    assert {(key.host, key.fingerprint == server.fingerprint) for key in known(tmp_path)} == {
        ("other.example.org", False),
        (f"[127.0.0.1]:{server.port}", True),
    }


def test_nobody_there_is_told_from_a_wrong_key(tmp_path: Path) -> None:
    with pytest.raises(bootstrap.Failed, match=r"no ssh server answers at 127\.0\.0\.1:1"):
        setup(tmp_path).trust(bootstrap.repository("ssh://git@127.0.0.1:1/mood.git", local=False))


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("git@github.com:me/mood.git", "github.com", 22, "me/mood"),
        ("ssh://git@example.org:2222/me/mood.git", "example.org", 2222, "me/mood"),
        ("ssh://[::1]:2222/mood", "::1", 2222, "mood"),
        ("example.org:/srv/git/mood.git", "example.org", 22, "srv/git/mood"),
    ],
)
def test_the_server_of_an_ssh_url_is_found(url: str, host: str, port: int, path: str) -> None:
    repo = bootstrap.repository(url, local=False)
    assert (repo.scheme, repo.host, repo.port, repo.path) == ("ssh", host, port, path)
