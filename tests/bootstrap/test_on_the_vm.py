"""install/: the scripts that run on the VM, each against real files."""

from __future__ import annotations

from pathlib import Path

import pytest

import bootstrap
from tests.process import run
from tests.sshkey import SshKey


@pytest.fixture
def machine(tmp_path: Path) -> bootstrap.Machine:
    return bootstrap.Machine(str(tmp_path / "root"))


def test_facts_name_the_python_the_agent_will_use(machine: bootstrap.Machine, tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\ncase "$2" in *version_info\\[*) echo 3.9;; *) exit 1;; esac\n')
    old.chmod(0o755)
    said = machine.call("facts", machine.root, str(old), *machine.pythons)
    facts = dict(line.split("=", 1) for line in said.splitlines())
    assert facts["python"] not in {"", str(old)}
    assert facts["config"] == f"{machine.root}/config"
    assert facts["data"] == machine.root
    assert facts["git"] == facts["venv"] == "yes"
    assert "agent" not in facts


def test_without_a_directory_of_its_own_the_agent_lives_in_the_usual_two(tmp_path: Path) -> None:
    machine = bootstrap.Machine()
    machine.environ["HOME"] = str(tmp_path)
    facts = dict(line.split("=", 1) for line in machine.call("facts", "", "python3").splitlines())
    assert facts["config"] == f"{tmp_path}/.config/gitops-vm"
    assert facts["data"] == f"{tmp_path}/.local/share/gitops-vm"


def test_a_python_that_is_too_old_is_a_clear_refusal() -> None:
    with pytest.raises(bootstrap.Failed, match=r"Debian 11 has Python 3\.9; the agent needs 3\.11"):
        bootstrap.missing_packages({"os": "Debian 11", "python_found": "python3 3.9", "git": "yes"}, ssh=False)


def test_a_python_without_ensurepip_asks_for_debian_s_package(machine: bootstrap.Machine) -> None:
    facts = {"os": "Debian 12", "python_found": "python3 3.11", "python": "/usr/bin/python3", "git": "yes"}
    assert bootstrap.missing_packages(facts, ssh=False) == ["python3-venv"]
    with pytest.raises(bootstrap.Failed, match="sudo apt-get install python3-venv"):
        bootstrap.Setup(bootstrap.Console(), machine, bootstrap.parse(["local"])).install_packages(["python3-venv"])


def test_a_file_is_written_once_with_its_mode_and_then_left_alone(machine: bootstrap.Machine, tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    assert machine.call("put", str(file), "600", given=b"content") == "changed\n"
    first = file.stat()
    assert (file.read_text(), first.st_mode & 0o777) == ("content", 0o600)
    assert machine.call("put", str(file), "600", given=b"content") == "ok\n"
    assert file.stat().st_ino == first.st_ino
    assert machine.call("put", str(file), "644", given=b"content") == "changed\n"
    assert list(file.parent.iterdir()) == [file]


def test_a_setting_replaces_its_own_line_and_no_other(machine: bootstrap.Machine, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("KEPT=1\nHF_TOKEN=old\nHF_TOKEN_2=kept\n")
    assert machine.call("setting", str(file), "HF_TOKEN", given=b"new") == "changed\n"
    assert sorted(file.read_text().splitlines()) == ["HF_TOKEN=new", "HF_TOKEN_2=kept", "KEPT=1"]
    assert file.stat().st_mode & 0o777 == 0o600
    inode = file.stat().st_ino
    assert machine.call("setting", str(file), "HF_TOKEN", given=b"new") == "ok\n"
    assert file.stat().st_ino == inode


def test_a_key_is_made_once(machine: bootstrap.Machine, tmp_path: Path) -> None:
    file = tmp_path / "config" / "deploy_key"
    state, public = machine.call("key", str(file), "gitops-vm@here").split("\n", 1)
    assert (state, public.split()[0], public.split()[2]) == ("changed", "ssh-ed25519", "gitops-vm@here")
    assert file.stat().st_mode & 0o777 == 0o600
    assert machine.call("key", str(file), "gitops-vm@here") == f"ok\n{public}"


def test_a_key_with_a_passphrase_cannot_become_the_deploy_key(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked)
    with pytest.raises(bootstrap.Failed, match="without a passphrase"):
        bootstrap.private_key(locked)


def test_what_is_sent_is_named_by_its_content(tmp_path: Path) -> None:
    for name in bootstrap.SENT:
        source = bootstrap.HERE / name
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        run("cp", "-r", source, tmp_path / name)
    name, _ = bootstrap.packed(tmp_path)
    (tmp_path / "agent" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "agent" / "__pycache__" / "plan.cpython-311.pyc").write_bytes(b"left by Python")
    assert bootstrap.packed(tmp_path)[0] == name
    (tmp_path / "agent" / "plan_b.py").write_text("")
    assert bootstrap.packed(tmp_path)[0] != name


@pytest.mark.parametrize("value", ["two\nlines", "", "a b", '"quoted"', "$HOME"])
def test_a_token_that_would_be_read_as_something_else_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(bootstrap.Failed) as refused:
        bootstrap.plain(value, "GIT_TOKEN")
    assert not value or value not in str(refused.value)
    assert "GIT_TOKEN" in str(refused.value)


@pytest.mark.parametrize(("host", "name"), [("VM-1.example.edu", "vm-1"), ("my_vm", "my-vm"), ("---", "vm")])
def test_a_machine_is_called_by_its_host_name_as_source_yaml_takes_it(host: str, name: str) -> None:
    assert bootstrap.host_name(host) == name


def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    key = SshKey.generate(tmp_path / "key")
    assert bootstrap.fingerprint_of(key.public.split()[1]) == key.fingerprint
