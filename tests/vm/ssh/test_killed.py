"""The command dies, the laptop dies, the VM's power is cut: whoever could log in still can, and nothing stays half done."""

from __future__ import annotations

import os
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta
from queue import SimpleQueue

import pytest

from tests.vm.machine import Machine
from tests.vm.ssh.conftest import SiteOf
from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import KILL, Fault, Laptop
from tests.vm.ssh.site import PASSWORD, Site

KILLS = int(os.environ.get("GITOPS_VM_KILLS", "10"))
SEED = int(os.environ.get("GITOPS_VM_SEED") or secrets.randbelow(10**6))
WINDOW = timedelta(seconds=8)
WITHIN = ("--window", "8s")
STEPS = {
    "ssh_keys.sh install": State.OLD,
    "ssh_guard.sh arm": State.OLD,
    "ssh_guard.sh prune": State.OLD,
    "ssh_guard.sh write": State.OLD,
    "ssh_guard.sh apply": State.OLD,
    "ssh_guard.sh commit": State.NEW,
}


class Victim:
    """A VM and a laptop, to be tried again and again."""

    def __init__(self, machine: Machine, laptop: Laptop) -> None:
        self._laptop, self._site = laptop, Site(machine, laptop.entry.public)
        self._judge = self._handed_out()
        begin = time.monotonic()
        assert self._laptop.bootstrap(self._site).code == 0
        self._takes = time.monotonic() - begin

    def killed_after(self, step: str) -> State:
        """The command alone; its ssh, and the connection they share, stay behind."""
        self._judge = self._handed_out()
        killed_after(step, self._laptop, self._site)
        return self._judge.settled(WINDOW)

    def killed_at(self, part: float, *, laptop_dies: bool) -> State:
        """After this part of the time that the whole takes."""
        self._judge = self._handed_out()
        command = self._laptop.start(self._site, *WITHIN)
        with suppress(TimeoutError):
            command.wait(timedelta(seconds=part * self._takes))
        with suppress(ProcessLookupError):
            os.kill(command.pid, signal.SIGKILL)
        if laptop_dies:
            self._laptop.dies()
        command.wait(timedelta(seconds=5))
        return self._judge.settled(WINDOW)

    def _handed_out(self) -> Judge:
        self._laptop.dies()
        self._site.hand_out()
        return Judge(self._site, self._laptop)


class Victims:
    """Some of them side by side: most of the time is spent waiting for windows to end."""

    def __init__(self, machines: Iterable[Machine], stack: ExitStack) -> None:
        self._free: SimpleQueue[Victim] = SimpleQueue()
        laptops = [(each, stack.enter_context(Laptop())) for each in machines]
        self._pool = stack.enter_context(ThreadPoolExecutor(len(laptops)))
        for victim in self._pool.map(Victim, *zip(*laptops, strict=True)):
            self._free.put(victim)

    def each(self, trials: Iterable[Callable[[Victim], State]]) -> list[State]:
        return list(self._pool.map(self._one, trials))

    def _one(self, trial: Callable[[Victim], State]) -> State:
        victim = self._free.get()
        try:
            return trial(victim)
        finally:
            self._free.put(victim)


def killed_after(step: str, laptop: Laptop, site: Site) -> None:
    before = laptop.faults
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at=step, after=KILL))
    assert said.code == -signal.SIGKILL, said.text
    assert laptop.faults == before + 1


@pytest.fixture(scope="module")
def victims(start_machine: Callable[..., Machine]) -> Iterator[Victims]:
    """Two Debian 12 and two Debian 13."""
    with ExitStack() as stack:
        machines = [stack.enter_context(start_machine(suite, bare=True)) for suite in ("bookworm", "trixie") * 2]
        yield Victims(machines, stack)


def test_killed_after_a_step_it_comes_to_the_old_state_or_once_confirmed_the_new(victims: Victims) -> None:
    came_to = victims.each(lambda victim, step=step: victim.killed_after(step) for step in STEPS)
    assert dict(zip(STEPS, came_to, strict=True)) == STEPS


@pytest.mark.timeout(1800)
def test_killed_at_any_moment_it_comes_to_the_old_state_or_the_new(
    victims: Victims, say: Callable[[str], None]
) -> None:
    say(f"{KILLS} kills at random times, GITOPS_VM_SEED={SEED} (the full form is GITOPS_VM_KILLS=50) ")
    chance = random.Random(SEED)  # noqa: S311
    # Spread evenly, and a little beyond the end: also the last steps are hit.
    when = [((number + chance.random()) / KILLS * 1.2, chance.random() < 0.5) for number in range(KILLS)]
    came_to = Counter(
        victims.each(lambda victim, at=at, dies=dies: victim.killed_at(at, laptop_dies=dies) for at, dies in when)
    )
    say(f"{came_to[State.OLD]} came to the old state, {came_to[State.NEW]} to the new one, none to anything else ")
    assert came_to.total() == KILLS


def test_run_again_at_once_after_a_kill_it_waits_for_the_undoing_and_goes_on(
    site: Site, judge: Judge, laptop: Laptop
) -> None:
    killed_after("ssh_guard.sh apply", laptop, site)
    said = laptop.bootstrap(site)
    assert said.code == 0, said.text
    assert judge.settled(WINDOW) is State.NEW


def test_an_undoing_that_comes_late_does_not_undo_the_next_run(site: Site, judge: Judge, laptop: Laptop) -> None:
    drop_in = "/etc/systemd/system/gitops-vm-ssh-revert.service.d"
    late = r"[Service]\nExecStartPre=/bin/sleep 4\n"
    site.machine.root(f"mkdir -p {drop_in}; printf '{late}' >{drop_in}/late.conf")
    try:
        killed_after("ssh_guard.sh apply", laptop, site)
        said = laptop.bootstrap(site, fault=Fault(at="ssh_guard.sh commit", before="sleep 6"))
        assert said.code == 0, said.text
        assert judge.settled(WINDOW) is State.NEW
    finally:
        site.machine.root(f"rm -r {drop_in}; systemctl daemon-reload")


@pytest.mark.parametrize(
    ("step", "first", "then"), [("ssh_keys.sh prune", "", PASSWORD), ("ssh_guard.sh apply", PASSWORD, "")]
)
def test_a_run_with_root_and_one_without_wait_for_each_other_s_undoing(
    site: Site, laptop: Laptop, step: str, first: str, then: str
) -> None:
    site.hand_out("password")
    judge = Judge(site, laptop)
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at=step, after=KILL), GITOPS_VM_SUDO_PASSWORD=first)
    assert said.code == -signal.SIGKILL, said.text
    said = laptop.bootstrap(site, GITOPS_VM_SUDO_PASSWORD=then)
    assert said.code == 0, said.text
    site.has_root = bool(then)
    assert judge.settled(WINDOW) is State.NEW


def test_ctrl_c_puts_everything_back_at_once(site: Site, judge: Judge, laptop: Laptop) -> None:
    said = laptop.bootstrap(site, fault=Fault(at="ssh_guard.sh apply", after='kill -INT "$laptop"'))
    assert said.code == 130, said.text
    assert judge.settled(timedelta(0)) is State.OLD


POWER_CUTS = [("ssh_guard.sh prune", False), ("ssh_guard.sh apply", True), ("ssh_guard.sh commit", False)]


@pytest.mark.parametrize(("step", "by_socket"), POWER_CUTS)
def test_a_power_cut_inside_the_window_ends_the_same_way_after_the_boot(
    site_of: SiteOf, laptop: Laptop, step: str, by_socket: bool
) -> None:
    site = site_of(by_socket=by_socket)
    judge = Judge(site, laptop)
    killed_after(step, laptop, site)
    laptop.dies()
    site.machine.power_cut()
    site.machine.start()
    assert judge.settled(WINDOW) is STEPS[step]


def test_killed_without_sudo_the_keys_come_back_too(site_of: SiteOf, laptop: Laptop) -> None:
    site = site_of(None)
    judge = Judge(site, laptop)
    killed_after("ssh_keys.sh prune", laptop, site)
    laptop.dies()
    assert judge.settled(WINDOW) is State.OLD
