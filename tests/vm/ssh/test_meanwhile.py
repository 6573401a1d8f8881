"""What happens to the VM meanwhile: the owner gets in, and SSH is wholly old or wholly new."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vm.ssh.conftest import SiteOf
from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import Fault, Laptop, quietly
from tests.vm.ssh.pressure import Strangers
from tests.vm.ssh.site import DROP_INS, SSH, SUDOERS, Site

WINDOW = timedelta(seconds=6)
WITHIN = ("--window", "6s")


@pytest.mark.parametrize(
    ("step", "folder"),
    [
        ("ssh_keys.sh install", SSH),
        ("ssh_guard.sh arm", "/var/lib/gitops-vm"),
        ("ssh_guard.sh arm", "/etc/systemd/system"),
        ("ssh_guard.sh prune", SSH),
        ("ssh_guard.sh write", DROP_INS),
        ("ssh_guard.sh apply", "/var/lib/gitops-vm"),
    ],
)
def test_a_full_disk_changes_nothing(site: Site, judge: Judge, laptop: Laptop, step: str, folder: str) -> None:
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at=step, before=quietly(site.full(folder))))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert judge.settled(WINDOW) is State.OLD


@pytest.mark.parametrize("step", ["ssh_guard.sh write", "ssh_guard.sh commit"])
def test_sudo_that_is_lost_on_the_way_leaves_it_to_the_vm_itself(
    site: Site, judge: Judge, laptop: Laptop, step: str
) -> None:
    lose = quietly(site.machine.root_argv(["rm", "-f", SUDOERS]))
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at=step, before=lose))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert "sudo" in said.text
    assert judge.settled(WINDOW) is State.OLD


def test_sshd_that_turns_most_newcomers_away_is_asked_again(site: Site, judge: Judge, laptop: Laptop) -> None:
    """MaxStartups 10:30:100: with 15 strangers at the door every third login is refused."""
    with Strangers(site.machine.ssh_port, 15):
        said = laptop.bootstrap(site)
    assert said.code == 0, said.text
    assert judge.settled(WINDOW) is State.NEW
    assert "MaxStartups" in site.machine.journal(None, "--unit=ssh.service")


def test_sshd_that_somebody_starts_anew_meanwhile_is_asked_again(site: Site, judge: Judge, laptop: Laptop) -> None:
    anew = "systemd-run --quiet --on-active=1500ms --timer-property=AccuracySec=100ms systemctl start ssh.service"
    away = quietly(site.machine.root_argv(f"systemctl stop ssh.service; {anew}"))
    said = laptop.bootstrap(site, fault=Fault(at="ssh_guard.sh apply", after=away))
    assert (said.code, laptop.faults) == (0, 1), said.text
    assert judge.settled(WINDOW) is State.NEW


def test_run_again_and_again_it_is_never_turned_away(site_of: SiteOf, laptop: Laptop) -> None:
    """sshd from 9.8 on turns an address away that it has refused too often (PerSourcePenalties)."""
    site = site_of(suite="trixie")
    judge = Judge(site, laptop)
    for _ in range(4):
        said = laptop.bootstrap(site)
        assert said.code == 0, said.text
        assert judge.lets_in(laptop.own)
    assert "penalty" not in site.machine.journal(None, "--unit=ssh.service")
