"""The moments of a rollout, seen in the machine's files from outside, closely enough to strike between two of its steps."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from tests.process import descendants
from tests.vm.product import ROLLOUT, USER, Product
from tests.waiting import wait_for

DATA = f"home/{USER}/.local/share/gitops-vm"


class Machinery:
    """What the agent leaves on the disk, and its processes, looked at through the host: asking inside takes too long."""

    def __init__(self, product: Product) -> None:
        self._root = Path(f"/proc/{product.machine.leader}/root")
        self._uid = product.machine.uid(USER)
        self._leader = product.machine.leader
        self._before = self._releases()
        self._link = self._current()

    def reached(self, moment: str) -> Callable[[], bool]:
        """`moment` is one of MOMENTS."""
        return {
            "the build has begun": (self._root / f"run/user/{self._uid}/gitops-vm/build").exists,
            "the release is there": lambda: bool(self._new()),
            "its unit is written": lambda: any(self._unit(each).exists() for each in self._new()),
            "it is started": lambda: any(self._processes(each) for each in self._new()),
            "it is promoted": lambda: self._current() != self._link,
        }[moment]

    def agents(self) -> list[int]:
        """Host pids of the daemon, its worker, and what they have started."""
        found = [pid for pid in descendants(self._leader) if _command(pid).rstrip().endswith("/gitops-vm run")]
        return [each for pid in found for each in (pid, *descendants(pid))]

    def _current(self) -> str:
        with suppress(FileNotFoundError):
            return (self._root / DATA / "current").readlink().name
        return ""

    def _releases(self) -> set[str]:
        return {each.name for each in (self._root / DATA / "releases").iterdir()}

    def _new(self) -> set[str]:
        return self._releases() - self._before

    def _unit(self, release: str) -> Path:
        return self._root / f"home/{USER}/.config/systemd/user/gitops-app@{release}.service.d"

    def _processes(self, release: str) -> list[int]:
        return [pid for pid in descendants(self._leader) if f"--release {release}" in _command(pid)]


MOMENTS = ("it is started", "it is promoted", "the build has begun", "the release is there", "its unit is written")


def wait_for_moment(machinery: Machinery, moment: str) -> None:
    """Returns within milliseconds of it."""
    reached = machinery.reached(moment)
    deadline = time.monotonic() + ROLLOUT.total_seconds()
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited for the moment when {moment}")
        time.sleep(0.002)


def kill_agent(machinery: Machinery) -> None:
    """SIGKILL for all that is the agent's; returns when another agent runs."""
    struck = machinery.agents()
    assert struck
    for pid in struck:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: set(machinery.agents()) - set(struck), "another agent", within=timedelta(seconds=60))


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""
