"""What one may choose: keys that stay, --crypto, --dry-run, and an old laptop."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.sshkey import SshKey
from tests.sshserver import audited
from tests.vm.ssh.conftest import SiteOf
from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import Laptop
from tests.vm.ssh.old_laptop import OldLaptop
from tests.vm.ssh.site import KEYS, USER, Site

AT_ONCE = timedelta(0)


def succeed(laptop: Laptop, site: Site, *options: str) -> None:
    said = laptop.bootstrap(site, *options)
    assert said.code == 0, said.text


def test_a_key_that_is_to_stay_stays_with_its_options(site: Site, laptop: Laptop, tmp_path: Path) -> None:
    colleague = SshKey.generate(tmp_path / "colleague")
    line = f'from="127.0.0.0/8",no-pty {colleague.public}'
    site.machine.root(f"cat >> {KEYS}", given=f"\n{line}\n")
    judge = Judge(site, laptop)
    succeed(laptop, site, "--keep-key", colleague.fingerprint)
    assert line in site.keys().splitlines()
    assert judge.lets_in(colleague)
    assert judge.look().logins == {"own"}
    before = site.files()
    succeed(laptop, site, "--keep-key", colleague.fingerprint)
    assert site.files() == before
    succeed(laptop, site)
    assert not judge.lets_in(colleague)
    assert judge.settled(AT_ONCE) is State.NEW


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_with_crypto_ssh_audit_finds_nothing_to_fail(site_of: SiteOf, laptop: Laptop, suite: str) -> None:
    site = site_of(suite=suite)
    judge = Judge(site, laptop)
    port = site.machine.ssh_port
    assert audited(sys.executable, port)
    succeed(laptop, site, "--crypto")
    assert audited(sys.executable, port) == set()
    before = site.files()
    succeed(laptop, site, "--crypto")
    assert site.files() == before
    assert judge.settled(AT_ONCE) is State.NEW


def test_a_laptop_of_2021_secures_a_vm_of_today(site_of: SiteOf, laptop: Laptop, say: Callable[[str], None]) -> None:
    """Debian 11: Python 3.9 and OpenSSH 8.4."""
    old = OldLaptop(laptop, say)
    assert old.versions() == ("Python 3.9", "OpenSSH_8.4")
    site = site_of(suite="trixie")
    judge = Judge(site, laptop)
    assert "only keys log in" in old.bootstrap(site, "--crypto")
    assert judge.settled(AT_ONCE) is State.NEW
    before = site.files()
    assert "only keys log in" in old.bootstrap(site, "--crypto")
    assert site.files() == before


def test_a_laptop_of_2021_is_told_what_is_wrong_as_any_other(laptop: Laptop, say: Callable[[str], None]) -> None:
    old = OldLaptop(laptop, say)
    assert "examples:" in old.says("--help").text
    assert old.says("ops@vm.invalid").code == 64
    repo = ("--repo", "git@github.com:me/mood.git")
    for verb in (("install", *repo), ("check",), ("uninstall", "--yes"), ("recover", "--cooldown", "0s")):
        unreachable = old.says(verb[0], "nobody@127.0.0.1", *verb[1:], "-p", "1")
        assert unreachable.code == 1, unreachable.text
        assert "nothing listens on port 1 of 127.0.0.1" in unreachable.text
    told = "bootstrap.heartbeat({'heartbeat': {'time': '1970-01-01T00:00:10Z', 'interval': '1h30m'}}, 70)"
    assert old.imports(told) == "(60.0, 5400.0)"


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(site: Site, judge: Judge, laptop: Laptop) -> None:
    before, here = site.files(), files(laptop)
    said = laptop.bootstrap(site, "--dry-run")
    assert said.code == 2, said.text
    assert said.text.count("would change ") == 3  # the host key known here, the own key over there, sshd
    assert " changed " not in said.text
    assert site.files() == before
    assert files(laptop) == here
    assert judge.state(judge.look()) is State.OLD


def files(laptop: Laptop) -> set[str]:
    """Below its home, but for what it says."""
    return {str(each) for each in laptop.folder.rglob("*") if each != laptop.log}


def test_in_a_script_a_sudo_that_asks_is_not_taken_for_none(site: Site, judge: Judge, laptop: Laptop) -> None:
    site.hand_out("password")
    before = site.files()
    said = laptop.bootstrap(site)
    assert said.code == 1
    assert "sudo on" in said.text
    assert "set GITOPS_VM_SUDO_PASSWORD" in said.text
    assert site.files() == before
    assert judge.state(judge.look()) is State.OLD


def test_a_key_is_the_one_of_its_line_whatever_its_comment_or_options_hold(
    site: Site, laptop: Laptop, tmp_path: Path
) -> None:
    one, two = SshKey.generate(tmp_path / "one"), SshKey.generate(tmp_path / "two")
    blob = laptop.own.public.split()[1]
    lines = f'{one.public} {blob}\nno-pty,from="*,ssh-ed25519 {blob}" {two.public}\n'
    site.machine.root(f"cat >> {KEYS}", given=f"\n{lines}")
    judge = Judge(site, laptop)
    succeed(laptop, site)
    assert not judge.lets_in(one)
    assert not judge.lets_in(two)
    assert judge.settled(AT_ONCE) is State.NEW
    before = site.files()
    succeed(laptop, site)
    assert site.files() == before


def test_keys_that_sshd_takes_from_elsewhere_are_told_of(site: Site, laptop: Laptop) -> None:
    site.drop_in("40-admin.conf", f"AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys-{USER}\n")
    site.machine.root("systemctl restart ssh.service")
    said = laptop.bootstrap(site)
    assert said.code == 0, said.text
    assert f"sshd also takes keys from /etc/ssh/keys-{USER}" in said.text


def test_what_a_login_shell_says_of_its_own_accord_is_no_answer(site: Site, judge: Judge, laptop: Laptop) -> None:
    site.machine.put(f"/home/{USER}/.bashrc", "echo Welcome, dear=user\n")
    try:
        succeed(laptop, site)
    finally:
        site.machine.root(f"cp /etc/skel/.bashrc /home/{USER}/")
    assert judge.settled(AT_ONCE) is State.NEW


def test_a_dry_run_makes_no_key(site: Site, laptop: Laptop) -> None:
    missing = laptop.folder / "new"
    said = laptop.bootstrap(site, "-i", str(missing), "--make-key", "--dry-run")
    assert said.code == 2, said.text
    assert not missing.exists()
