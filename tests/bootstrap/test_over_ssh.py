"""The way in: one connection, and for everything that can be wrong one line with the cause and what to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.bootstrap.calling import Said, call
from tests.bootstrap.shellserver import ShellServer
from tests.ports import SilentPort, free_port
from tests.process import run
from tests.sshkey import SshKey

REPO = ("--yes", "--repo", "ssh://git@127.0.0.1:1/mood.git")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ShellServer]:
    with ShellServer(tmp_path / "server").running() as server:
        yield server


def failed(said: Said, step: str) -> str:
    """The one line that says why."""
    assert said.code == 1
    (line,) = [line for line in said.text.splitlines() if line.startswith("failed")]
    assert line.split()[1] == step
    assert "Traceback" not in said.text
    return line


def test_the_key_and_the_fingerprint_let_us_in(server: ShellServer) -> None:
    said = call(*server.arguments(), *REPO)
    assert said.steps()["connection"] == "changed"
    assert call(*server.arguments(), *REPO).steps()["connection"] == "ok"  # it remembers the host key


def test_a_wrong_port_is_named(server: ShellServer) -> None:
    port = str(free_port())
    line = failed(call(server.target, "-p", port, *REPO), "connection")
    assert f"nothing listens on port {port} of 127.0.0.1" in line
    assert "-p PORT" in line


def test_a_key_the_vm_does_not_know_is_refused_with_what_to_type(server: ShellServer, tmp_path: Path) -> None:
    other = SshKey.generate(tmp_path / "other")
    arguments = [server.target, "-p", str(server.port), "-i", str(other.private), *server.trusted()]
    line = failed(call(*arguments, *REPO), "connection")
    assert "does not let" in line
    assert f"ssh-copy-id -p {server.port} -i {other.private} " in line


def test_a_key_with_a_passphrase_is_refused_with_what_to_type(server: ShellServer, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked)
    arguments = [server.target, "-p", str(server.port), "-i", str(locked), *server.trusted()]
    assert "ssh-add KEY" in failed(call(*arguments, *REPO), "connection")


def test_a_key_the_vm_knows_is_not_called_unknown_for_its_passphrase(server: ShellServer) -> None:
    run("ssh-keygen", "-q", "-p", "-P", "", "-N", "a passphrase", "-f", server.key.private)
    line = failed(call(*server.arguments(), *REPO), "connection")
    assert f"cannot use it here without its passphrase; type: ssh-add {server.key.private}" in line


def test_a_key_that_others_can_read_is_refused_with_what_to_type(server: ShellServer) -> None:
    server.key.private.chmod(0o644)
    assert f"chmod 600 '{server.key.private}'" in failed(call(*server.arguments(), *REPO), "connection")


def test_an_entry_key_that_does_not_help_is_named_and_so_are_its_modes(server: ShellServer, tmp_path: Path) -> None:
    own, entry = (SshKey.generate(tmp_path / name) for name in ("own", "entry"))
    words = [server.target, "-p", str(server.port), "-i", str(own.private), *server.trusted(), *REPO]
    line = failed(call(*words, "--entry-key", str(entry.private)), "connection")
    assert f"--entry-key {entry.private}: 127.0.0.1 does not let" in line
    assert "check the user, -i KEY and --entry-key KEY" in line
    assert "ssh-copy-id" not in line
    server.key.private.chmod(0o644)
    line = failed(call(*words, "--entry-key", str(server.key.private)), "connection")
    assert f"chmod 600 '{server.key.private}'" in line


def test_a_host_that_does_not_exist_is_named() -> None:
    line = failed(call("ops@no-such-host.invalid", *REPO), "connection")
    assert "there is no host called no-such-host.invalid" in line


def test_a_jump_host_that_does_not_exist_is_not_taken_for_the_vm(server: ShellServer) -> None:
    line = failed(call(*server.arguments(), "-J", "no-such-jump.invalid", *REPO), "connection")
    assert (
        "there is no host called no-such-jump.invalid; check the spelling of no-such-jump.invalid, which is on" in line
    )


def test_a_port_of_a_jump_host_where_nothing_listens_is_that_one(server: ShellServer) -> None:
    line = failed(call(*server.arguments(), "-J", "localhost:1", *REPO), "connection")
    assert "nothing listens on port 1 of localhost" in line


@pytest.mark.parametrize("name", ["127.0.0.1", "[127.0.0.1]:{}", "my-vm"])
def test_a_host_key_that_has_changed_can_be_forgotten_with_the_line_that_is_told(
    server: ShellServer, tmp_path: Path, name: str
) -> None:
    """At the default port ssh-keygen knows no brackets; the configuration makes another port look like it."""
    known = tmp_path / "known_hosts"
    known.write_text(f"{name.format(server.port)} {SshKey.generate(tmp_path / 'old').public}\n")
    alias = "" if name.startswith("[") else f" HostKeyAlias {name}\n"
    config = tmp_path / "config"
    config.write_text(f"Host *\n UserKnownHostsFile {known}\n{alias}")
    words = [server.target, "-p", str(server.port), "-i", str(server.key.private), "-F", str(config)]
    line = failed(call(*words, *REPO), "connection")
    assert "is not the one you know; if it was set up anew: ssh-keygen -R" in line
    run("sh", "-c", re.findall(r"ssh-keygen -R.*?(?= and again)", line)[0])
    assert known.read_text() == ""
    assert call(*words, *server.trusted(), *REPO).steps()["connection"] == "changed"


def test_an_unknown_host_key_is_never_accepted_silently(server: ShellServer) -> None:
    arguments = [server.target, "-p", str(server.port), "-i", str(server.key.private)]
    line = failed(call(*arguments, *REPO), "connection")
    assert f"host key of 127.0.0.1 is {server.host_key.fingerprint}" in line
    assert f"add: --host-key-fingerprint {server.host_key.fingerprint}" in line
    assert server.logins() == 0


def test_another_host_key_than_the_named_one_stops_before_our_key_is_shown(server: ShellServer, tmp_path: Path) -> None:
    other = SshKey.generate(tmp_path / "other")
    arguments = [*server.arguments()[:-1], other.fingerprint]
    line = failed(call(*arguments, *REPO), "connection")
    assert server.host_key.fingerprint in line
    assert other.fingerprint in line
    assert server.key.fingerprint not in server.log.read_text()


def test_a_port_that_is_no_ssh_server_is_told_from_one(server: ShellServer) -> None:
    port = free_port()
    silent = SilentPort(port)
    try:
        line = failed(call(server.target, "-p", str(port), *REPO), "connection")
    finally:
        silent.stop()
    assert f"port {port}" in line


def test_no_connection_is_left_behind(server: ShellServer) -> None:
    with TemporaryDirectory() as scratch:  # its own: others on this machine may be connecting just now
        call(*server.arguments(), *REPO, env={"TMPDIR": scratch})
        assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if f"-p {server.port}" in _words(path)]
        assert not [*Path(scratch).iterdir()]


def _words(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
