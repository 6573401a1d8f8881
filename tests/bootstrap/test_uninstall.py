"""install/uninstall.sh: what an installation wrote goes, and what somebody else has beside it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

import bootstrap

OURS = (
    "source.yaml",
    "known_hosts",
    "deploy_key",
    "status_key",
    "credentials",
    "status_credentials",
    "env",
    "lingering",
)
LEFT_BY_A_CUT = ("env.a1B2c3", "deploy_key.new", "deploy_key.new.pub", ".source.yaml.0123abcd")
THEIRS = ("vms.ini", "watch.env")


class Account:
    def __init__(self, home: Path) -> None:
        self.config, self.data = home / ".config" / "gitops-vm", home / ".local" / "share" / "gitops-vm"
        self._machine = bootstrap.Machine()
        self._machine.environ |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}
        self.config.mkdir(parents=True)
        for name in (*OURS, *LEFT_BY_A_CUT):
            (self.config / name).touch()

    def call(self, verb: str, *words: str) -> str:
        return self._machine.call("uninstall", verb, str(self.config), str(self.data), *words)

    def facts(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.call("look", str(self.config / "no-link")).splitlines())

    def remove(self) -> str:
        return self.call("files", str(self.config / "no-link"), "").strip()


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def test_nothing_of_ours_is_left(account: Account, tmp_path: Path) -> None:
    assert account.facts()["config"] == str(account.config)
    assert account.remove() == "changed"
    assert not tmp_path.exists()  # it was in nothing else
    assert account.remove() == "ok"


def test_who_looks_after_other_vms_from_here_goes_on_doing_so(account: Account) -> None:
    for name in THEIRS:
        (account.config / name).write_text("theirs")
    assert account.facts()["theirs"].split() == [*THEIRS]
    assert account.remove() == "changed"
    assert sorted(each.name for each in account.config.iterdir()) == [*THEIRS]
    assert "config" not in account.facts()
    assert account.remove() == "ok"
