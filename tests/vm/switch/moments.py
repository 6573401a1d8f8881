"""The agent of a machine, struck from its host: asking inside takes too long."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from agent.paths import Paths
from tests.moments import Rollout, command
from tests.process import descendants
from tests.vm.product import USER, Product
from tests.waiting import wait_for


def rollout_on(product: Product) -> Rollout:
    """Of the release that is pushed next."""
    root = Path(f"/proc/{product.machine.leader}/root")
    home, run = root / "home" / USER, root / f"run/user/{product.machine.uid(USER)}"
    paths = Paths(
        config=home / ".config/gitops-vm",
        data=home / ".local/share/gitops-vm",
        runtime=run / "gitops-vm",
        units=home / ".config/systemd/user",
    )
    return Rollout(paths, lambda release: paths.units / f"gitops-app@{release}.service.d")


def kill_agent(product: Product) -> None:
    """SIGKILL for all that is the agent's; returns when another agent runs."""
    struck = _agents(product)
    assert struck
    for pid in struck:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: set(_agents(product)) - set(struck), "another agent", within=timedelta(seconds=60))


def _agents(product: Product) -> list[int]:
    """Host pids of the daemon, its worker, and what they have started."""
    found = [pid for pid in descendants(product.machine.leader) if command(pid).rstrip().endswith("/gitops-vm run")]
    return [each for pid in found for each in (pid, *descendants(pid))]
