"""The user's own ssh configuration leads to the VM: names, jump hosts and agents; and nothing of it can fake a proof."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import bootstrap
from tests.bootstrap.calling import Said, call
from tests.bootstrap.shellserver import ShellServer
from tests.process import run
from tests.sshkey import SshKey

ONLY = ("--only", "ssh", "--dry-run", "--yes")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ShellServer]:
    with ShellServer(tmp_path / "server").running() as server:
        yield server


@pytest.fixture
def ssh_agent(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An agent of this test's own, as its environment."""
    said = run("ssh-agent", "-s", "-a", tmp_path / "agent")
    found = re.search(r"SSH_AGENT_PID=(\d+)", said)
    assert found
    try:
        yield {"SSH_AUTH_SOCK": str(tmp_path / "agent")}
    finally:
        os.kill(int(found[1]), 15)


def way_in(said: Said) -> str:
    """The line that names the key that lets in."""
    return next(line for line in said.text.splitlines() if line.startswith("ok       connection"))


def configured(folder: Path, server: ShellServer, *, more: str = "") -> str:
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key.public}\n")
    user, _, host = server.target.partition("@")
    config = folder / "config"
    config.write_text(
        f"Host my-vm\n HostName {host}\n Port {server.port}\n User {user}\n UserKnownHostsFile {known}\n{more}"
    )
    return str(config)


def test_a_name_of_the_ssh_configuration_is_enough(server: ShellServer, tmp_path: Path) -> None:
    config = configured(tmp_path, server, more=f" IdentityFile {server.key.private}\n")
    said = call("my-vm", "-F", config, *ONLY)
    assert said.steps()["connection"] == "ok", said.text
    assert server.key.fingerprint in way_in(said)


def test_a_key_that_only_the_agent_holds_is_found_and_proved(
    server: ShellServer, ssh_agent: dict[str, str], tmp_path: Path
) -> None:
    run("ssh-add", "-q", server.key.private, env=ssh_agent)
    server.key.private.unlink()
    Path(f"{server.key.private}.pub").unlink()
    fingerprint = run("ssh-add", "-l", env=ssh_agent).split()[1]
    said = call("my-vm", "-F", configured(tmp_path, server), *ONLY, env=ssh_agent)
    assert fingerprint in way_in(said), said.text


def test_an_agent_with_a_good_key_does_not_make_another_key_look_good(
    server: ShellServer, ssh_agent: dict[str, str], tmp_path: Path
) -> None:
    run("ssh-add", "-q", server.key.private, env=ssh_agent)
    other = SshKey.generate(tmp_path / "other")
    said = call("my-vm", "-F", configured(tmp_path, server), "-i", str(other.private), *ONLY, env=ssh_agent)
    assert said.code == 1
    assert "does not let" in said.text


def test_a_jump_host_leads_there_and_its_own_key_is_pinned_too(server: ShellServer, tmp_path: Path) -> None:
    with ShellServer(tmp_path / "jump").running() as jump:
        user, _, host = jump.target.partition("@")
        hop = f"Host jump\n HostName {host}\n Port {jump.port}\n User {user}\n IdentityFile {jump.key.private}\n"
        config = configured(tmp_path, server, more=f" ProxyJump jump\n IdentityFile {server.key.private}\n{hop}")
        known = tmp_path / "jump_known_hosts"
        with Path(config).open("a") as file:
            file.write(f" UserKnownHostsFile {known}\n")
        unknown = call("my-vm", "-F", config, *ONLY)
        assert unknown.code == 1
        assert jump.logins() == 0
        known.write_text(f"[127.0.0.1]:{jump.port} {jump.host_key.public}\n")
        said = call("my-vm", "-F", config, *ONLY)
        assert said.steps()["connection"] == "ok", said.text
        assert jump.logins() > 0
        assert server.key.fingerprint in way_in(said)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of whoever calls bootstrap.py in this process."""
    home = tmp_path / "person"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def told(*arguments: str) -> str:
    """The line that bootstrap.py tells to type for a verb on the VM."""
    options = bootstrap.parse(["check", *arguments])
    with bootstrap.reached(bootstrap.Console(), options) as (setup, machine):
        bootstrap.enter(setup, machine)
        return setup.command("status")


def types(line: str) -> str:
    """What comes of it, where nobody is there to be asked."""
    assert line.endswith(" .local/bin/gitops-vm status")
    return run("sh", "-c", line.replace("ssh ", "ssh -oBatchMode=yes ", 1).replace(".local/bin/gitops-vm", "echo"))


@pytest.mark.usefixtures("home")
def test_the_line_for_a_verb_lets_in_whom_a_key_and_a_fingerprint_let_in(server: ShellServer) -> None:
    first, later = told(*server.arguments()), told(*server.arguments()[:-2])
    assert first == later
    assert types(first) == "status\n"


@pytest.mark.usefixtures("home")
def test_the_line_for_a_verb_takes_the_way_that_was_given(server: ShellServer, tmp_path: Path) -> None:
    with ShellServer(tmp_path / "jump").running() as jump:
        hop = f"Host jump\n HostName 127.0.0.1\n Port {jump.port}\n IdentityFile {jump.key.private}\n"
        known = tmp_path / "jump_known"
        known.write_text(f"[127.0.0.1]:{jump.port} {jump.host_key.public}\n")
        config = configured(tmp_path, server, more=f"{hop} UserKnownHostsFile {known}\n")
        line = told("my-vm", "-F", config, "-J", "jump", "-i", str(server.key.private))
        assert types(line) == "status\n"
        assert line.startswith(f"ssh -i {server.key.private} -J jump -F {config} my-vm ")
        assert jump.logins() > 1


def test_the_line_for_another_run_keeps_the_way_the_file_of_vms_and_the_keys_that_stay(
    server: ShellServer, tmp_path: Path
) -> None:
    kept = SshKey.generate(tmp_path / "a colleague")
    vms = tmp_path / "vms.ini"
    vms.write_text(f"[vm-1]\nhost = my-vm\nidentity = {server.key.private}\n")
    config = configured(tmp_path, server)
    said = call("check", "vm-1", "--vms", str(vms), "-F", config, "--keep-key", str(kept.private))
    line, *_ = re.findall(r"the agent is not installed; type: python3 bootstrap.py (.*) \(", said.text)
    again = bootstrap.parse(shlex.split(line))
    assert (again.target, again.vms, again.ssh_config, again.keep_key) == ("my-vm", vms, config, [kept.fingerprint])
    assert again.identity == str(server.key.private)


def test_an_ssh_configuration_or_key_that_makes_no_sense_is_named(server: ShellServer, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("Host my-vm\n Frobnicate yes\n")
    for arguments in (("-F", str(broken)), ("-F", str(tmp_path / "none"))):
        said = call("my-vm", *arguments, *ONLY)
        assert said.code == 1
        assert "ssh does not understand it" in said.text, said.text
    half = Path(f"{server.key.private}.pub")
    half.write_text("")
    said = call(*server.arguments(), *ONLY)
    assert f"{half} is not a public key; type: ssh-keygen -y" in said.text
