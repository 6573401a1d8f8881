"""The power is cut in the middle of one of our own steps: after the boot SSH is wholly old or wholly new, with nothing beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vm.ssh.conftest import SiteOf
from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import Fault, Laptop
from tests.vm.ssh.site import SSH, USER, Site
from tests.vm.ssh.test_killed import WINDOW, WITHIN, killed_after
from tests.waiting import wait_for

# It stays over a boot.
STUCK = "/var/tmp/stuck"
# A program of the VM that, once, does not come back from a call with these words.
STICKS = f"""\
#!/bin/sh
case "$*" in
  *"%s"*) [ -e {STUCK} ] || {{ touch {STUCK}; exec sleep 600; }} ;;
esac
exec /usr/bin/%s "$@"
"""
CUTS = [
    ("systemctl", "enable", State.OLD),
    ("setpriv", "ssh_keys.sh guard", State.OLD),
    ("mv", "/pending.new", State.OLD),
    ("cp", "authorized_keys.gitops-vm-after", State.OLD),
    ("sync", "00-gitops-vm.conf.gitops-vm-next", State.OLD),
    ("mv", "/pending.old", State.OLD),
    ("setpriv", "ssh_keys.sh kept", State.NEW),
    ("rm", "/pending.old", State.NEW),
]


@pytest.mark.parametrize(("program", "words", "comes_to"), CUTS)
def test_a_power_cut_inside_a_step_ends_the_same_way_after_the_boot(
    site_of: SiteOf, laptop: Laptop, program: str, words: str, comes_to: State
) -> None:
    site = site_of()
    judge = Judge(site, laptop)
    site.machine.put(f"/usr/local/sbin/{program}", STICKS % (words, program), mode=0o755)
    power_cut(site, laptop)
    assert judge.settled(WINDOW) is comes_to
    assert laptop.bootstrap(site).code == 0
    assert judge.settled(WINDOW) is State.NEW


def power_cut(site: Site, laptop: Laptop) -> None:
    """Once the VM's program sticks."""
    command = laptop.start(site, *WITHIN)
    wait_for(lambda: site.machine.root(f"ls {STUCK} 2>/dev/null || true"), "the VM to be in the middle of it")
    laptop.dies()
    command.wait(timedelta(seconds=5))
    site.machine.power_cut()
    site.machine.start()


def test_a_power_cut_with_a_drop_in_that_sshd_refuses_does_not_keep_sshd_from_coming_back(
    site_of: SiteOf, laptop: Laptop
) -> None:
    """It does not start at the boot; what undoes the drop-in starts it."""
    site = site_of()
    judge = Judge(site, laptop)
    spoiled = '{ cat; echo Frobnicate yes; } | "$REAL_SSH" "$@"; kill -9 "$laptop"; exit'
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at="ssh_guard.sh write", before=spoiled))
    assert said.code != 0
    laptop.dies()
    site.machine.power_cut()
    site.machine.start()
    assert judge.settled(WINDOW) is State.OLD


def power_cut_after_prune(laptop: Laptop, site: Site) -> None:
    killed_after("ssh_keys.sh prune", laptop, site)
    laptop.dies()
    site.machine.power_cut()
    site.machine.start()


def test_without_sudo_the_next_run_after_a_power_cut_settles_it(site_of: SiteOf, laptop: Laptop) -> None:
    site = site_of(None)
    judge = Judge(site, laptop)
    power_cut_after_prune(laptop, site)
    assert judge.lets_in(laptop.own)
    said = laptop.bootstrap(site)
    assert said.code == 0, said.text
    assert judge.settled(timedelta(0)) is State.NEW


def test_without_sudo_what_a_power_cut_has_left_does_not_undo_what_the_owner_does_later(
    site_of: SiteOf, laptop: Laptop
) -> None:
    """Another key by hand, weeks later, and a run with that one."""
    site = site_of(None)
    power_cut_after_prune(laptop, site)
    with Laptop() as next_one:
        site.machine.root(f"cat >> {SSH}/authorized_keys", given=f"{next_one.own.public}\n")
        said = next_one.bootstrap(site)
        assert said.code == 0, said.text
        judge = Judge(site, next_one)
        assert judge.look().logins == {"own", "password"}
        assert not judge.lets_in(laptop.own)
    assert site.machine.root(f"ls -A {SSH}") == "authorized_keys\n"


def test_without_sudo_an_uninstallation_settles_it_too(site_of: SiteOf, laptop: Laptop) -> None:
    site = site_of(None)
    judge = Judge(site, laptop)
    power_cut_after_prune(laptop, site)
    login = (f"{USER}@{site.machine.address}", "-p", str(site.machine.ssh_port), "-i", str(laptop.own.private))
    within = timedelta(minutes=2)
    said = laptop.runs("uninstall", *login, "--yes", within=within, GITOPS_VM_SUDO_PASSWORD="")
    assert said.code == 0, said.text
    assert "a change of the keys that was cut off is undone" in said.text
    assert judge.state(judge.look()) is State.OLD
