"""What bootstrap.py refuses before it touches anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

import bootstrap
from agent.cli.verbs import grammar
from tests.bootstrap.calling import BOOTSTRAP, call
from tests.process import run
from tests.sshkey import SshKey

REPO = ("--repo", "git@github.com:me/mood.git")
USAGE = {
    "nothing": ((), "which VM?"),
    "no repository": (("ops@vm.invalid",), "--repo URL is missing"),
    "an unknown option": (("ops@vm.invalid", *REPO, "--reppo", "x"), "unrecognized"),
    "a target that ssh takes for an option": ((*REPO, "--", "-oProxyCommand=touch x"), "is not USER@HOST"),
    "a key that is not there": (("ops@vm.invalid", *REPO, "-i", "/nowhere/key"), "cannot read /nowhere/key"),
    "a deploy key that is not there": (
        ("ops@vm.invalid", *REPO, "--deploy-key", "/nowhere"),
        "--deploy-key: cannot read",
    ),
    "half a fingerprint": (("ops@vm.invalid", *REPO, "--repo-host-key", "SHA256:abc"), "--repo-host-key: write it as"),
    "a key that is not there, which could be made": (("ops@vm.invalid", *REPO, "-i", "/nowhere/key"), "add --make-key"),
    "a port that is no number": (("ops@vm.invalid", *REPO, "-p", "ssh"), "'ssh' is not a port"),
    "a port that is none": (("ops@vm.invalid", *REPO, "-p", "0"), "'0' is not a port"),
    "a port beyond the last": (("ops@vm.invalid", *REPO, "-p", "99999"), "'99999' is not a port"),
    "a time that is none": (("ops@vm.invalid", *REPO, "--wait", "soon"), "is not a time such as 90s"),
    "the demo on a VM": (("ops@vm.invalid", *REPO, "--demo"), "unrecognized"),
    "a repository on the VM's disk": (("ops@vm.invalid", "--repo", "/srv/mood.git"), "is not git@host:path"),
    "plain http": (("ops@vm.invalid", "--repo", "http://example.org/mood"), "is not git@host:path"),
    "a repository to look after": (("check", "ops@vm.invalid", *REPO), "unrecognized"),
    "a key to look after with that is not there": (("recover", "ops@vm.invalid", "-i", "/nowhere/key"), "cannot read"),
    "no VM to take it off": (("uninstall",), "which VM?"),
    "a pause that is none": (("recover", "ops@vm.invalid", "--cooldown", "soon"), "is not a time such as 90s"),
    "an option as repository": (("ops@vm.invalid", "--repo=--upload-pack=touch"), "no leading -"),
    "a folder as key": (("check", "ops@vm.invalid", "-i", "/tmp"), "--identity: /tmp is not a file"),
    "a folder as entry key": (("ops@vm.invalid", *REPO, "--entry-key", "/tmp"), "--entry-key: /tmp is not a file"),
    "a folder as key that stays": (
        ("check", "ops@vm.invalid", "--keep-key", "/tmp"),
        "--keep-key, or keep-key in vms.ini: /tmp is not a file",
    ),
    "a key that stays and is not there": (("check", "ops@vm.invalid", "--keep-key", "~/no"), "/no; write a key's file"),
    "half a fingerprint of a key that stays": (
        ("ops@vm.invalid", *REPO, "--keep-key", "SHA256:abc"),
        "--keep-key, or keep-key in vms.ini: write it as",
    ),
    "a file that is no key, to stay": (
        ("check", "ops@vm.invalid", "--keep-key", "/etc/hostname"),
        "--keep-key, or keep-key in vms.ini: /etc/hostname is not a private key; name one",
    ),
    "a port behind the host": (("check", "u@127.0.0.1:22"), "'127.0.0.1:22' is no host: write u@127.0.0.1 -p 22"),
    "a port behind an address": (("check", "[::1]:22"), "'[::1]:22' is no host: write ::1 -p 22"),
    "a verb that is nearly one": (("chek", "vm-1"), "unknown verb 'chek'; did you mean bootstrap.py check?"),
    "a verb that stands last": (("vm-1", "check"), "the verb stands first: bootstrap.py check"),
    "a verb of gitops-vm": (("smoke", "https://vm.invalid/"), "smoke is a verb of gitops-vm: gitops-vm smoke --help"),
    "a verb of gitops-vm alone": (("watch",), "a host of this name: USER@watch"),
    "a window too short to prove anything in": (
        ("ops@vm.invalid", *REPO, "--window", "3s"),
        "'3s' is not a time from 4",
    ),
    "a window too long to wait for": (("ops@vm.invalid", *REPO, "--window", "999999h"), "from 4 s to 60 min"),
    "a dry run of what changes nothing": (("check", "ops@vm.invalid", "--dry-run"), "leave --dry-run out"),
    "a line break in the repository": (("ops@vm.invalid", "--repo", "git@h:a\nb"), "no spaces"),
}


@pytest.mark.parametrize("name", USAGE)
def test_what_cannot_be_meant_is_refused_with_64_and_the_reason(name: str) -> None:
    arguments, reason = USAGE[name]
    said = call(*arguments)
    assert said.code == 64
    assert reason in said.text
    assert said.steps() == {}
    assert said.text.count("\n") == 1


@pytest.mark.parametrize("url", ["https://me:canary-token@example.org/mood", "https://canary-token@example.org/mood"])
def test_a_token_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    said = call("ops@vm.invalid", "--repo", url)
    assert said.code == 64
    assert "GIT_TOKEN" in said.text
    assert "canary-token" not in said.text


def test_what_cannot_be_meant_is_a_document_for_programs_too() -> None:
    for words in (("check", "--json"), ("ops@vm.invalid", "--repo", "/srv/mood.git", "--json")):
        said = call(*words)
        document, _, line = said.text.partition("\n")
        assert said.code == 64
        assert json.loads(document)["error"]["reason"] == "Misuse"
        assert json.loads(document)["error"]["message"] in line


def test_an_address_of_ipv6_is_a_host_and_a_close_name_may_be_one() -> None:
    for target in ("nobody@::1", "chek"):
        assert bootstrap.parse(["check", target]).target == target
    assert bootstrap.parse(["watch@vm", "--only", "ssh"]).target == "watch@vm"


def test_the_verbs_that_are_not_bootstrap_s_are_known() -> None:
    _, verbs = grammar()
    assert isinstance(verbs, Collection)
    assert set(verbs) == bootstrap.AGENT_VERBS


def test_the_version_is_that_of_what_would_be_installed() -> None:
    assert call("--version").text == f"bootstrap.py {bootstrap.packed(bootstrap.HERE)[0]}\n"
    assert call("check", "--version").code == 0


def test_help_names_every_verb() -> None:
    text = call("--help").text
    assert all(f"\n  {verb} " in text for verb in bootstrap.VERBS)


def test_help_shows_examples_for_a_vm_and_for_this_machine() -> None:
    said = call("--help")
    assert said.code == 0
    assert "bootstrap.py ops@vm.example.edu --repo git@github.com:me/mood.git" in said.text
    assert "bootstrap.py local --demo" in said.text


def test_it_imports_nothing_that_a_bare_python_lacks() -> None:
    code = f"import sys, runpy; sys.path = [p for p in sys.path if 'site-packages' not in p]; runpy.run_path({str(BOOTSTRAP)!r})"
    run(sys.executable, "-S", "-c", code)


def test_a_vm_is_found_by_its_name_and_what_is_typed_beats_the_environment_and_the_file(tmp_path: Path) -> None:
    vms = tmp_path / "vms.ini"
    vms.write_text("[vm-1]\nhost = 127.0.0.1\nport = 1\nuser = ada\nrepo = git@github.com:me/mood.git\n")
    for arguments, environment, port in (
        (("vm-1",), {}, 1),
        ((), {}, 1),
        (("vm-1",), {"GITOPS_VM_PORT": "2"}, 2),
        (("vm-1", "-p", "3"), {"GITOPS_VM_PORT": "2"}, 3),
    ):
        said = call(*arguments, "--vms", str(vms), env=environment)
        assert f"nothing listens on port {port} of 127.0.0.1" in said.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[vm-1]\nhots = x\n", "hots: not one of host"),
        ("nonsense\n", "vms.ini"),
        ("[vm-1]\nport = ssh\n", "'ssh' is not a port"),
        ("[vm-1]\nport = 0\n", "'0' is not a port"),
        ("[vm-1]\n# M\xfcller\n", "iconv -f latin1 -t utf-8"),
        ("hf_canary\n", "line 1: write [NAME]"),
        ("[vm-1]\nhost=127.0.0.1\nhf_canary\n", "line 3: write [NAME], KEY = VALUE"),
        ("[vm-1]\nhost=hf_canary\nhost=x\n", "line 3: write [NAME]"),
        ("[vm-1]\n[vm-1]\n", "line 2: write [NAME]"),
    ],
)
def test_a_file_of_vms_that_cannot_be_meant_is_refused_and_not_repeated(tmp_path: Path, text: str, reason: str) -> None:
    vms = tmp_path / "vms.ini"
    vms.write_text(text, encoding="latin-1")
    said = call("vm-1", "--vms", str(vms))
    assert said.code == 64
    assert reason in said.text
    assert "canary" not in said.text
    assert said.text.count("\n") == 1


def test_keys_that_stay_are_remembered_and_added_to_those_that_are_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("one", "two", "three")
    keys = {name: SshKey.generate(tmp_path / name) for name in names}
    typed, *written = (keys[name].fingerprint for name in names)
    vms = tmp_path / "vms.ini"
    vms.write_text(f"[vm-1]\nkeep-key = {written[0]},\n  ~/three.pub\n[vm-2]\nkeep-key =\n[vm-3]\nkeep-key = ~/no\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for verb in (["check"], ["install", *REPO]):
        options = bootstrap.parse([*verb, "vm-1", "--vms", str(vms), "--keep-key", "~/one"])
        assert options.keep_key == [typed, *written]
        assert bootstrap.parse([*verb, "vm-2", "--vms", str(vms)]).keep_key == []
    assert bootstrap.parse(["recover", "vm-3", "--vms", str(vms)]).keep_key == []
    assert "--keep-key, or keep-key in vms.ini: cannot read" in call("check", "vm-3", "--vms", str(vms)).text


def test_a_file_of_several_keys_that_stay_is_refused_rather_than_one_of_them_kept(tmp_path: Path) -> None:
    both = tmp_path / "colleague.pub"
    both.write_text("".join(f"{SshKey.generate(tmp_path / name).public}\n" for name in ("old", "new")))
    said = call("check", "vm.invalid", "--keep-key", str(both))
    assert said.code == 64
    assert f"{both} holds 2 keys; one at a time; their fingerprints: ssh-keygen -lf {both}" in said.text


def test_a_name_that_no_host_has_is_told_with_the_names_there_are(tmp_path: Path) -> None:
    vms = tmp_path / "vms.ini"
    vms.write_text("[vm-1]\nhost = 127.0.0.1\n[vm-2]\n")
    said = call("check", "vm-9.invalid", "--vms", str(vms))
    assert said.code == 1
    assert "check the spelling of vm-9.invalid; vms.ini has vm-1, vm-2" in said.text


def test_in_a_clone_that_declares_an_app_its_origin_is_the_repository_that_is_meant(tmp_path: Path) -> None:
    run("git", "init", "--quiet", tmp_path)
    run("git", "-C", tmp_path, "remote", "add", "origin", "/srv/mood.git")
    (tmp_path / "desired-state.yaml").touch()
    assert "'/srv/mood.git' is not git@host:path" in call("ops@vm.invalid", cwd=tmp_path).text
    (tmp_path / "desired-state.yaml").unlink()
    assert "--repo URL is missing" in call("ops@vm.invalid", cwd=tmp_path).text


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        ("HF_TOKEN=canary-token\n", 0o644, "others can read"),
        ("# mine\nHF_TOKEN canary-token\n", 0o600, "env:2: write NAME=value"),
        ("HF-TOKEN=canary-token\n", 0o600, "env:1: write NAME=value"),
        ("HF_TOKEN=hf_good\nGREETING=canary token\n", 0o600, "env: GREETING must consist of"),
        ("HF_TOKEN='canary-token'\n", 0o600, "HF_TOKEN must consist of"),
    ],
)
def test_a_file_of_secrets_that_cannot_be_meant_is_refused_and_not_repeated(
    tmp_path: Path, text: str, mode: int, reason: str
) -> None:
    file = tmp_path / "env"
    file.write_text(text)
    file.chmod(mode)
    said = call("ops@vm.invalid", *REPO, "--env-file", str(file))
    assert said.code == 64
    assert reason in said.text
    assert "canary" not in said.text
    assert "cannot read" in call("ops@vm.invalid", *REPO, "--env-file", "/nowhere").text


def test_a_file_of_secrets_gives_its_values_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_TOKEN", raising=False)
    file = tmp_path / "env"
    file.write_text("# mine\n\nHUGGING_FACE_TOKEN=hf_file\nAPI_URL=https://example.org/x?a=b\n")
    file.chmod(0o600)
    assert bootstrap.tokens(file) == {"HF_TOKEN": "hf_file", "API_URL": "https://example.org/x?a=b"}
    monkeypatch.setenv("HF_TOKEN", " hf_environment\n")
    assert "hf_environment" in bootstrap.tokens(file).values()
