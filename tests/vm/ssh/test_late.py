"""What comes when the window is over changes nothing any more, and a verdict is never worse than what is so."""

from __future__ import annotations

import shlex
from datetime import timedelta

import pytest

from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import Fault, Laptop, quietly
from tests.vm.ssh.site import DROP_INS, KEYS, PASSWORD, SSH, SUDOERS, USER, Site

AT_ONCE = timedelta(0)
WITHIN = ("--window", "4s")

PENDING = "/var/lib/gitops-vm/ssh/pending"


def once_undone(site: Site, pending: str = PENDING) -> str:
    """Shell text for the laptop: it waits until the VM itself has put everything back."""
    look = shlex.join(site.machine.root_argv(f"ls {pending} 2>/dev/null || true"))
    return f'until [ -z "$({look} </dev/null)" ]; do sleep 0.2; done'


@pytest.mark.parametrize("step", ["prune", "write", "apply", "commit"])
def test_a_step_after_the_window_changes_nothing(site: Site, judge: Judge, laptop: Laptop, step: str) -> None:
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at=f"ssh_guard.sh {step}", before=once_undone(site)))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert judge.settled(AT_ONCE) is State.OLD
    assert "the time to confirm the change was over; the VM had undone it all" in said.text


def test_a_drop_in_that_stays_on_the_way_until_the_window_is_over_is_not_written(
    site: Site, judge: Judge, laptop: Laptop
) -> None:
    stalled = f'{{ {once_undone(site)} >&2; cat; }} | "$REAL_SSH" "$@"; exit'
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at="ssh_guard.sh write", before=stalled))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert judge.settled(AT_ONCE) is State.OLD
    assert "00-gitops-vm" not in site.machine.root(f"ls -a {DROP_INS}")


def test_a_laptop_that_slept_through_the_window_wakes_to_the_old_state(
    site: Site, judge: Judge, laptop: Laptop
) -> None:
    asleep = f'kill -STOP "$laptop"; {once_undone(site)}; kill -CONT "$laptop"'
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at="ssh_guard.sh arm", after=asleep))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert judge.settled(AT_ONCE) is State.OLD
    assert "the VM had undone it all" in said.text


@pytest.mark.parametrize("step", ["prune", "commit"])
def test_without_sudo_a_step_after_the_window_changes_nothing(site: Site, laptop: Laptop, step: str) -> None:
    site.hand_out(None)
    judge = Judge(site, laptop)
    late = once_undone(site, f"{SSH}/.gitops-vm-pending")
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at=f"ssh_keys.sh {step}", before=late))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert judge.settled(AT_ONCE) is State.OLD
    assert "the VM had undone it all" in said.text


@pytest.mark.parametrize(("sudo", "script"), [("free", "ssh_guard.sh"), (None, "ssh_keys.sh")])
def test_stopped_when_the_vm_has_confirmed_it_says_that_the_change_is_kept(
    site: Site, laptop: Laptop, sudo: str | None, script: str
) -> None:
    site.hand_out(sudo)
    judge = Judge(site, laptop)
    said = laptop.bootstrap(site, fault=Fault(at=f"{script} commit", after='kill -INT "$laptop"; exec sleep 60'))
    assert (said.code, laptop.faults) == (130, 1), said.text
    assert "stopped  ssh         by then the VM had kept the change" in said.text
    assert judge.settled(AT_ONCE) is State.NEW


def test_stopped_before_it_says_that_everything_was_put_back(site: Site, judge: Judge, laptop: Laptop) -> None:
    said = laptop.bootstrap(site, fault=Fault(at="ssh_guard.sh apply", after='kill -INT "$laptop"; exec sleep 60'))
    assert said.code == 130, said.text
    assert "stopped  ssh         everything was put back" in said.text
    assert judge.settled(AT_ONCE) is State.OLD


# sudo asks for the password for everything but sh.
SH_IS_FREE = f"{USER} ALL=(ALL) ALL\n{USER} ALL=(ALL) NOPASSWD: /usr/bin/sh, /bin/sh\n"


def test_a_password_that_sudo_does_not_want_is_not_sent(site: Site, laptop: Laptop) -> None:
    site.hand_out("password")
    site.machine.put(SUDOERS, SH_IS_FREE, mode=0o440)
    succeeds_without_a_trace_of_the_password(site, laptop)


@pytest.mark.parametrize("step", ["arm", "prune", "write", "commit"])
def test_a_password_that_sudo_ceases_to_want_reaches_nothing(site: Site, laptop: Laptop, step: str) -> None:
    site.hand_out("password")
    free = site.machine.root_argv(["sed", "-i", "s/ALL$/NOPASSWD:ALL/", SUDOERS])
    fault = Fault(at=f"ssh_guard.sh {step}", before=quietly(free))
    succeeds_without_a_trace_of_the_password(site, laptop, fault)
    assert laptop.faults == 1


def succeeds_without_a_trace_of_the_password(site: Site, laptop: Laptop, fault: Fault | None = None) -> None:
    judge = Judge(site, laptop)
    said = laptop.bootstrap(site, fault=fault, GITOPS_VM_SUDO_PASSWORD=PASSWORD)
    assert said.code == 0, said.text
    assert PASSWORD not in said.text
    assert PASSWORD not in site.machine.journal(None)
    places = f"/etc/ssh /etc/systemd/system /var/lib/gitops-vm {KEYS}"
    assert site.machine.root(f"grep -rlF {PASSWORD} {places} || true") == ""
    assert judge.settled(AT_ONCE) is State.NEW
