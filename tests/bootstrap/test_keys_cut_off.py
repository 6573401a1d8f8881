"""install/ssh_keys.sh without root: wherever it is cut off, the keys are the old ones or the new ones, and nothing is left
beside them. What the owner has changed since is never touched."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

import bootstrap
from tests import cuts
from tests.process import Failed, run
from tests.sshkey import SshKey
from tests.waiting import wait_for

WINDOW = 2
PROGRAMS = ("awk", "cat", "cmp", "cp", "flock", "mv", "rm", "ssh-keygen", "sync")


class Account:
    """A home with two key files, and what the scripts do there."""

    def __init__(self, home: Path, mine: SshKey, shared: SshKey) -> None:
        self.home, self.ssh, self._blob = home, home / ".ssh", mine.public.split()[1]
        self.ssh.mkdir(parents=True, mode=0o700)
        self.old = {"authorized_keys": f"{shared.public}\n{mine.public}\n", "authorized_keys2": f"{shared.public}\n"}
        self.new = {"authorized_keys": f"{mine.public}\n", "authorized_keys2": ""}
        for name, content in self.old.items():
            (self.ssh / name).write_text(content)
        self.pending = self.ssh / ".gitops-vm-pending"

    def keys(self, *words: str, env: dict[str, str] | None = None) -> str:
        environ = {**os.environ, "HOME": str(self.home), "CUT": str(self.home), **(env or {})}
        return run(*cuts.run_by(bootstrap.script_text("ssh_keys"), "ssh_keys.sh", *words), env=environ)

    def prune(self) -> None:
        self.keys("guard", "one", "60")
        self.prune_only()

    def prune_only(self) -> None:
        self.keys("prune", "one", self._blob)

    def cut_off(self, programs: Path, after: int) -> bool:
        """A whole change, its script killed in place of the program it would start as number `after`. Whether it was."""
        env = {"PATH": f"{programs}:{os.environ['PATH']}", "CUT_AT": str(after)}
        try:
            for words in (("guard", "one", str(WINDOW)), ("prune", "one", self._blob), ("commit", "one")):
                self.keys(*words, env=env)
        except Failed:
            return True
        return False

    def ends(self) -> None:
        """Nothing that was started here goes on."""
        for main in (self.home / "mains").read_text().split():
            with suppress(ProcessLookupError):
                os.killpg(int(main), signal.SIGKILL)

    def loses_power(self) -> None:
        """Also, for what is there it is another boot now."""
        self.ends()
        if self.pending.exists():
            name, _, end = self.pending.read_text().split()
            self.pending.write_text(f"{name} another-boot {end}\n")

    def files(self) -> dict[str, str]:
        return {each.name: each.read_text() for each in self.ssh.iterdir()}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[SshKey, SshKey]:
    """The owner's key, and everybody's."""
    folder = tmp_path_factory.mktemp("keys")
    return SshKey.generate(folder / "mine", "mine"), SshKey.generate(folder / "shared", "shared")


@pytest.fixture
def account(tmp_path: Path, pair: tuple[SshKey, SshKey]) -> Iterator[Account]:
    account = Account(tmp_path / "home", *pair)
    yield account
    account.ends()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for name in PROGRAMS:
        (folder / name).write_text(cuts.program(shutil.which(name) or ""))
        (folder / name).chmod(0o755)
    return folder


def cut_off_everywhere(folder: Path, pair: tuple[SshKey, SshKey], programs: Path) -> list[Account]:
    accounts = [Account(folder / "1", *pair)]
    while accounts[-1].cut_off(programs, after=len(accounts)):
        accounts.append(Account(folder / str(len(accounts) + 1), *pair))
    assert len(accounts) > 20
    return accounts


def came_to(account: Account) -> str:
    """Old or new, and nothing beside it; else what is there."""
    files = account.files()
    return {str(account.old): "old", str(account.new): "new"}.get(str(dict(sorted(files.items()))), str(files))


def test_killed_at_any_step_it_comes_to_the_old_keys_and_once_confirmed_to_the_new(
    tmp_path: Path, pair: tuple[SshKey, SshKey], programs: Path
) -> None:
    for account in cut_off_everywhere(tmp_path, pair, programs):
        within = timedelta(seconds=WINDOW + 5)
        wait_for(lambda account=account: came_to(account) in {"old", "new"}, f"{account.ssh} to settle", within=within)


def test_after_a_power_cut_at_any_step_the_next_run_finds_the_old_keys_or_the_new(
    tmp_path: Path, pair: tuple[SshKey, SshKey], programs: Path
) -> None:
    seen = []
    for account in cut_off_everywhere(tmp_path, pair, programs):
        account.loses_power()
        assert account.keys("settle") == ""
        seen.append(came_to(account))
    first_new = seen.index("new")
    assert set(seen[:first_new]) == {"old"}
    assert set(seen[first_new:]) == {"new"}


@pytest.mark.parametrize("verb", ["settle", "guard"])
def test_a_change_cut_off_weeks_ago_never_touches_keys_that_were_changed_since(account: Account, verb: str) -> None:
    account.prune()
    account.loses_power()
    changed = {**account.new, "authorized_keys": "ssh-ed25519 AAAAanother the owner's next one\n"}
    (account.ssh / "authorized_keys").write_text(changed["authorized_keys"])
    account.keys(verb, *(("two", "60") if verb == "guard" else ()))
    assert (account.ssh / "authorized_keys").read_text() == changed["authorized_keys"]
    account.keys("revert", "two")
    # The other file is as the change left it: that is undone.
    assert account.files() == {**changed, "authorized_keys2": account.old["authorized_keys2"]}


def test_a_change_at_work_is_not_disturbed_and_the_second_is_told(account: Account) -> None:
    account.prune()
    before = account.files()
    with pytest.raises(Failed, match="another bootstrap is at work here; it ends or is undone within") as refused:
        account.keys("guard", "two", "60")
    assert refused.value.code == bootstrap.BUSY
    assert account.keys("settle") == account.keys("look") == "pending one\n"
    assert account.files() == before
    account.keys("commit", "one")
    assert account.files() == account.new


def test_a_clock_that_is_set_does_not_end_a_change_nor_keep_it_alive(account: Account) -> None:
    account.prune()
    os.utime(account.pending, (0, 0))
    assert account.keys("settle") == "pending one\n"
    name, boot, _ = account.pending.read_text().split()
    account.pending.write_text(f"{name} {boot} 1\n")
    assert account.keys("settle") == ""
    assert account.files() == account.old


def test_with_root_nobody_waits_to_undo_it_but_the_guard(account: Account) -> None:
    account.keys("guard", "one", "0", "root")
    account.prune_only()
    assert account.keys("look") == "pending one\n"
    assert account.keys("revert", "one") == ""
    assert account.files() == account.old


def test_where_the_user_has_no_such_folder_there_is_nothing_to_change(account: Account) -> None:
    shutil.rmtree(account.ssh)
    for words in (
        ("guard", "one", "60", "root"),
        ("prune", "one", "AAAA"),
        ("kept", "one"),
        ("revert", "one"),
        ("settle",),
    ):
        assert account.keys(*words) == ""
    assert not account.ssh.exists()
