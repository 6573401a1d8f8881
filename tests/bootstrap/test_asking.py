"""What is asked at a terminal: a secret is typed there and seen nowhere; and a no changes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bootstrap.calling import BOOTSTRAP
from tests.bootstrap.shellserver import ShellServer
from tests.gitserver import SshServer
from tests.localvm import ROOT
from tests.sshkey import SshKey
from tests.terminal import Shown, at_a_terminal

CANARY = "hf_canary0123456789canary"
INSTALLED = """\
import sys
from pathlib import Path
import bootstrap
from tests.bootstrap.installed import installed
setup = installed(Path(sys.argv[1]))
setup.options.yes = False
try:
    {}
except bootstrap.Failed:
    sys.exit(1)
"""
SECRETS = INSTALLED.format("setup.secrets({})")
TRUST = INSTALLED.format("setup.trust(bootstrap.repository(sys.argv[2], local=False))")
QUIET = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING_", "GIT"))}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ShellServer]:
    with ShellServer(tmp_path / "server").running() as server:
        yield server


@pytest.mark.parametrize(
    ("typed", "known", "written"), [(CANARY, "HF_TOKEN is set", f"HF_TOKEN={CANARY}\n"), ("", "no HF_TOKEN", None)]
)
def test_a_token_is_asked_for_where_none_is_there(tmp_path: Path, typed: str, known: str, written: str | None) -> None:
    shown = python(SECRETS, str(tmp_path), answers={"Enter for none): ": typed})
    assert shown.code == 0, shown.text
    assert "HF_TOKEN, if the app uses Hugging Face (Enter for none): " in shown.text
    assert known in shown.text
    assert "mode" not in shown.text  # the app may have none
    assert CANARY not in shown.text
    file = tmp_path / "config" / "env"
    assert (file.read_text() if file.exists() else None) == written
    if written:
        assert "Enter for none" not in python(SECRETS, str(tmp_path), answers={}).text


def test_a_host_key_nobody_knows_is_shown_and_only_a_yes_pins_it(server: ShellServer, tmp_path: Path) -> None:
    words = ("check", server.target, "-p", str(server.port), "-i", str(server.key.private))
    question = f"is {server.host_key.fingerprint} (ssh-ed25519), which is not known here. Is it the VM's? [yes/no] "
    pinned = tmp_path / ".config" / "gitops-vm" / "known_hosts"
    for refusal in ("no", "", "yess"):
        shown = bootstrap(tmp_path, *words, answers={question: refusal})
        assert (shown.code, shown.text.count(question)) == (1, 1), shown.text
        assert f"then add: --host-key-fingerprint {server.host_key.fingerprint}" in shown.text
        assert not pinned.exists()
    assert server.logins() == 0

    shown = bootstrap(tmp_path, *words, answers={question: "yes"})
    assert shown.text.count(question) == 1
    assert "changed  connection" in shown.text, shown.text
    assert server.host_key.public.split()[1] in pinned.read_text()
    again = bootstrap(tmp_path, *words, answers={})
    assert "Is it the VM's?" not in again.text
    assert "ok       connection" in again.text


def test_a_key_of_one_s_own_that_is_missing_is_made_after_a_yes_only(server: ShellServer, tmp_path: Path) -> None:
    missing = tmp_path / "keys" / "mine"
    words = (server.target, "-p", str(server.port), "-i", str(missing), *server.trusted(), "--only", "ssh")
    question = f"{missing} is not there. Make it? [yes/no] "
    shown = bootstrap(tmp_path, *words, answers={question: "no"})
    assert (shown.code, shown.text.count(question)) == (1, 1), shown.text
    assert f"there is no key {missing}; add --make-key to have it made, or name yours: -i KEY" in shown.text
    assert not missing.parent.exists()

    shown = bootstrap(tmp_path, *words, answers={question: "yes"})
    assert (shown.code, shown.text.count(question)) == (1, 1), shown.text  # nobody has told the server of it
    assert missing.stat().st_mode & 0o777 == 0o600
    assert SshKey(private=missing).public.startswith("ssh-ed25519 ")


def test_the_host_key_of_a_repository_nobody_knows_is_shown_and_only_a_yes_trusts_it(tmp_path: Path) -> None:
    with SshServer(tmp_path / "git", SshKey.generate(tmp_path / "ada")) as server:
        words = (str(tmp_path / "vm"), server.url("app"))
        question = f"{server.fingerprint} (ssh-ed25519). Is it the one its operators publish? [yes/no] "
        trusted = tmp_path / "vm" / "config" / "known_hosts"
        shown = python(TRUST, *words, answers={question: "no"})
        assert (shown.code, shown.text.count(question)) == (1, 1), shown.text
        assert not trusted.exists()
        shown = python(TRUST, *words, answers={question: "yes"})
        assert (shown.code, shown.text.count(question)) == (0, 1), shown.text
        assert f"[127.0.0.1]:{server.port} ssh-ed25519 " in trusted.read_text()


def bootstrap(home: Path, *words: str, answers: dict[str, str]) -> Shown:
    """By a person with this home."""
    environ = {**QUIET, "HOME": str(home)}
    return at_a_terminal(sys.executable, BOOTSTRAP, *words, answers=answers, env=environ, cwd=home)


def python(text: str, *words: str, answers: dict[str, str]) -> Shown:
    return at_a_terminal(sys.executable, "-c", text, *words, answers=answers, env=QUIET, cwd=ROOT)
