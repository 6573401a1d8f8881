"""install/ssh_keys.sh: the key files people have, whoever made them, and with what editor."""

from __future__ import annotations

from pathlib import Path

import pytest

import bootstrap
from tests.process import run
from tests.sshkey import SshKey


class Account:
    """A home with an owner's key and somebody else's."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.ssh = self.home / ".ssh"
        self.home.mkdir(mode=0o755)
        self.own, self.other = (SshKey.generate(folder / name, comment=name) for name in ("own", "other"))
        self._machine = bootstrap.Machine()
        self._machine.environ["HOME"] = str(self.home)

    def call(self, *words: str) -> str:
        return self._machine.call("ssh_keys", *words).strip()

    def install(self) -> str:
        return self.call("install", self.own.public, bootstrap.sha256(self.own.public))

    def write(self, *lines: str, name: str = "authorized_keys", end: str = "\n") -> Path:
        self.ssh.mkdir(mode=0o700, exist_ok=True)
        file = self.ssh / name
        file.write_bytes("".join(f"{line}{end}" for line in lines).encode())
        return file

    def seen(self) -> list[str]:
        """The fingerprints that bootstrap.py finds here."""
        return [key.fingerprint for key in bootstrap.authorized_keys(self.call("read"))]


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def blob(key: SshKey) -> str:
    return key.public.split()[1]


def bare(key: SshKey) -> str:
    """Its line without a comment: nothing stands between the key and the line's end."""
    return " ".join(key.public.split()[:2])


def test_lines_that_end_as_on_windows_hold_the_keys_they_hold_for_sshd(account: Account) -> None:
    file = account.write("# mine", bare(account.own), "", bare(account.other), end="\r\n")
    assert account.seen() == [account.own.fingerprint, account.other.fingerprint]
    assert account.install() == "ok"
    account.call("keep", blob(account.own))
    assert account.seen() == [account.own.fingerprint]
    assert run("ssh-keygen", "-lf", file).split()[1] == account.own.fingerprint


def test_the_owner_s_line_from_windows_survives_beside_a_kept_key(account: Account) -> None:
    account.write(bare(account.own), account.other.public, end="\r\n")
    account.call("keep", blob(account.own), blob(account.other))
    assert account.seen() == [account.own.fingerprint, account.other.fingerprint]


def test_a_comment_that_looks_like_another_line_is_none(account: Account) -> None:
    account.write(f"{account.own.public}\x0b{account.other.public}")
    assert account.seen() == [account.own.fingerprint]


def test_the_second_file_is_read_and_pruned_as_sshd_reads_it(account: Account) -> None:
    account.write(account.other.public)
    account.write(account.own.public, account.other.public, name="authorized_keys2")
    account.call("keep", blob(account.own))
    assert account.seen() == [account.own.fingerprint]


@pytest.mark.parametrize("name", ["authorized_keys", "authorized_keys2"])
def test_to_leave_no_key_is_refused(account: Account, name: str) -> None:
    file = account.write(account.other.public, name=name)
    with pytest.raises(bootstrap.Failed, match="no key would be left"):
        account.call("keep", blob(account.own))
    assert account.seen() == [account.other.fingerprint]
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("lines", [None, (), ("# nobody yet",)])
def test_where_no_key_is_there_is_none_to_take_away(account: Account, lines: tuple[str, ...] | None) -> None:
    """All of them are where sshd_config(5) says: AuthorizedKeysFile, AuthorizedKeysCommand."""
    before = account.write(*lines).read_text() if lines is not None else None
    account.call("keep")
    assert account.ssh.exists() == (lines is not None)
    assert lines is None or (account.ssh / "authorized_keys").read_text() == before


def test_a_link_stays_one_and_what_it_leads_to_is_changed_and_put_back(account: Account) -> None:
    link = account.write()
    kept = account.home / "dotfiles" / "keys"
    kept.parent.mkdir()
    kept.write_text(f"{account.other.public}\n")
    link.unlink()
    link.symlink_to(kept)
    assert account.install() == "changed"
    account.call("keep", blob(account.own))
    assert (link.is_symlink(), kept.read_text()) == (True, f"{account.own.public}\n")
    assert sorted(each.name for each in (*account.ssh.iterdir(), *kept.parent.iterdir())) == ["authorized_keys", "keys"]


def test_a_key_that_is_withdrawn_leaves_what_was_there_before(account: Account) -> None:
    assert account.install() == "changed"
    account.call("withdraw", blob(account.own))
    assert list(account.home.iterdir()) == []
    file = account.write(account.other.public)
    account.install()
    account.call("withdraw", blob(account.own))
    assert file.read_text() == f"{account.other.public}\n"


@pytest.mark.parametrize("place", ["", ".ssh", ".ssh/authorized_keys"])
def test_what_everybody_can_write_to_is_named_with_the_line_that_helps(account: Account, place: str) -> None:
    account.write(account.other.public)
    (account.home / place).chmod(0o777)
    with pytest.raises(bootstrap.Failed, match=f"everybody can write to {account.home / place} ") as refused:
        account.install()
    run("sh", "-c", str(refused.value).partition("type there: ")[2])
    assert account.install() == "changed"
