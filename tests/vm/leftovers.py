"""Machines whose test run was killed before it could clean up. A run holds the lock of its folder for as long as it lives."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.process import is_alive, run, started
from tests.vm.container import remove_control_groups
from tests.vm.locks import exclusively
from tests.waiting import wait_for


@contextmanager
def run_folder(machines: Path) -> Iterator[Path]:
    """A folder for this run's machines, gone at the end; those of runs that died are cleaned up first."""
    machines.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = machines / str(os.getpid())
    with ExitStack() as held:
        # Two runs that begin at once: neither may take the other's new folder, not locked yet, for a dead one's.
        with exclusively(machines.with_name("machines.lock")):
            for stale in machines.iterdir():
                with suppress(BlockingIOError), exclusively(stale / "lock", wait=False):
                    _clean(stale)
            folder.mkdir(mode=0o700)
            held.enter_context(exclusively(folder / "lock"))
        yield folder
        run("rm", "-rf", "--one-file-system", folder)


def _clean(folder: Path) -> None:
    for leader in folder.glob("*/leader"):
        pid, ticks = leader.read_text().split()
        if started(int(pid)) == ticks:
            os.kill(int(pid), signal.SIGKILL)
            wait_for(lambda pid=int(pid): not is_alive(pid), f"the end of {leader.parent.name}, left by an earlier run")
        remove_control_groups(leader.parent.name)
    run("rm", "-rf", "--one-file-system", folder)
