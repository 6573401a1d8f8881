"""Fingerprints of authorized_keys, compared with what ssh-keygen says of the same file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.host.authorized_keys import FILES, fingerprints
from tests.process import run
from tests.sshkey import SshKey

OPTIONS = (
    "restrict",
    'from="10.0.0.0/8,!10.1.2.3",no-pty',
    'command="sh -c \\"echo ssh-ed25519 AAAA\\"",restrict',
    'environment="A=b c" ,no-pty'.replace(" ,", ","),
    "cert-authority",
    'cert-authority,principals="ada,ops"',
)


def write(home: Path, text: str, name: str = FILES[0]) -> Path:
    file = home / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def said(file: Path) -> tuple[str, ...]:
    return tuple(re.findall(r"(?m)^\d+ (SHA256:\S+) ", run("ssh-keygen", "-lf", file)))


@pytest.mark.parametrize("options", OPTIONS)
def test_a_key_is_found_behind_its_options(tmp_path: Path, options: str):
    key = SshKey.generate(tmp_path / "key", "ada's laptop, with spaces")
    file = write(tmp_path, f"# ops\n\n  {options} {key.public}\n")
    assert fingerprints(tmp_path) == said(file) == (key.fingerprint,)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_every_kind_of_key_has_the_fingerprint_that_ssh_keygen_says(tmp_path: Path, kind: str):
    run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", tmp_path / kind)
    file = write(tmp_path, (tmp_path / f"{kind}.pub").read_text())
    assert fingerprints(tmp_path) == said(file)


def test_what_is_no_key_is_none_and_the_others_count(tmp_path: Path):
    first, second = SshKey.generate(tmp_path / "a"), SshKey.generate(tmp_path / "b")
    kind, blob, _ = second.public.split()
    lines = [
        f"#{first.public}",
        f"{kind} {blob[:-8]}!! broken",
        f"ssh-rsa {blob} under a false name",
        "ssh-ed25519",
        "two words",
        'command="unclosed',
        second.public.replace(" ", "\t"),
        first.public,
        f"{second.public} again",
    ]
    write(tmp_path, "\r\n".join(lines))
    assert fingerprints(tmp_path) == (second.fingerprint, first.fingerprint)


def test_both_files_that_sshd_reads_are_read(tmp_path: Path):
    first, second = SshKey.generate(tmp_path / "a"), SshKey.generate(tmp_path / "b")
    write(tmp_path, first.public)
    write(tmp_path, f"{second.public}\n{first.public}\n", FILES[1])
    assert fingerprints(tmp_path) == (first.fingerprint, second.fingerprint)


def test_no_file_is_no_keys_and_an_unreadable_one_is_an_error(tmp_path: Path):
    assert fingerprints(tmp_path) == ()
    (tmp_path / FILES[0]).mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        fingerprints(tmp_path)
