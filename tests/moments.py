"""The moments of a rollout, seen from outside in what the agent leaves on the disk, closely enough to strike between two of its steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from agent import ledger
from agent.host import proc
from agent.host.traffic import Traffic
from agent.names import ReleaseId
from agent.paths import Paths

BUILD = "the build has begun"
MOMENTS = (
    *("it is started", "it is promoted", BUILD, "the release is there", "its unit is written"),
    *("it has the traffic", "it is confirmed", "the one before is retired"),
)
"""In the order of what they are worth, not of time."""


class Rollout:
    """Of the release that comes next, on the VM with these `paths`. `units` says where the unit of a release is."""

    def __init__(self, paths: Paths, unit: Callable[[ReleaseId], Path]) -> None:
        self._paths = paths
        self._unit = unit
        self._traffic = Traffic(paths)
        self._before = self._releases()
        self._link = self._current()

    def reached(self, moment: str) -> bool:
        """`moment` is one of MOMENTS."""
        if moment == BUILD:
            return self._paths.build.exists()
        return any(self._has_reached(each, moment) for each in self._releases() - self._before)

    def wait_for(self, moment: str, within: timedelta = timedelta(minutes=3)) -> None:
        """Returns within milliseconds of it."""
        deadline = time.monotonic() + within.total_seconds()
        while not self.reached(moment):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited for the moment when {moment}")
            time.sleep(0.002)

    def _has_reached(self, release: ReleaseId, moment: str) -> bool:
        signs: dict[str, Callable[[], bool]] = {
            "the release is there": lambda: True,
            "its unit is written": self._unit(release).exists,
            "it is started": lambda: _runs(release),
            "it is promoted": lambda: self._current() == release,
            "it has the traffic": lambda: bool(self._traffic.accepts(release)),
            "it is confirmed": lambda: self._confirmed() == release,
            "the one before is retired": lambda: self._confirmed() == release and not _runs(self._link),
        }
        return signs[moment]()

    def _confirmed(self) -> ReleaseId | None:
        return ledger.from_json((self._paths.state / "ledger.json").read_text()).confirmed

    def _current(self) -> ReleaseId:
        with suppress(FileNotFoundError):
            return ReleaseId(self._paths.current.readlink().name)
        return ReleaseId("")

    def _releases(self) -> set[ReleaseId]:
        return {ReleaseId(each.name) for each in self._paths.releases.iterdir() if each.name[0] != "."}


def _runs(release: ReleaseId) -> bool:
    """Whether a launcher of it does, on this machine or on one that runs in it."""
    return any(f"--release {release}" in command(pid) for pid in proc.pids())


def command(pid: int) -> str:
    """The command line; empty when it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""
