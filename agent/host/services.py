"""The service manager of this VM, behind one interface: systemd where it is, else our own supervisor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from ..names import ReleaseId
from ..observed import Process
from ..paths import Paths
from ..release import Release
from ..unit import NOWHERE, Whence
from .supervisor.client import Embedded
from .systemd import Systemd

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)


class Services(Protocol):
    """What the agent needs of a service manager. Every effect is idempotent; AgentError where it fails.

    A release whose unit is installed keeps it until it is forgotten: going back needs the old one.
    """

    def install(self, release: Release) -> None:
        """Make its unit files exactly what they have to be and known to the manager, and hold its socket, or none.

        A port that one of our own processes still has is left to `start`; one that somebody else has is refused before
        anything is changed, so that nothing is stopped for a release that could not start.
        """

    def is_installed(self, release: Release) -> bool:
        """Whether `install` would change nothing. Starts nothing."""

    def start(self, release: Release) -> None:
        """Start it unless it runs. Returns at once; `processes` shows what becomes of it."""

    def stop(self, release: ReleaseId) -> None:
        """End it and everything it started, and return when it is gone: at the latest some seconds after its grace."""

    def processes(self) -> tuple[Process, ...]:
        """Every unit of ours that is not inactive, also one that nobody knows any more. Without probes."""

    def units(self) -> frozenset[ReleaseId]:
        """The releases that have unit files on disk, whatever is in them."""

    def forget(self, releases: Iterable[ReleaseId]) -> None:
        """Remove the unit files of releases that do not run."""

    def logs(self, release: ReleaseId | None, lines: int) -> str:
        """The last lines of the app, or of one release of it."""

    def follow_argv(self, lines: int) -> tuple[str, ...]:
        """The program that shows the last lines and goes on showing what comes."""


def choose(
    paths: Paths, environ: Mapping[str, str], tick: Callable[[], None] = lambda: None, whence: Whence = NOWHERE
) -> Services:
    """Of systemd where the machine was booted with it. `GITOPS_VM_SUPERVISOR=embedded` asks for our own.

    Not decided by whether `systemctl --user` answers just now: a user manager that is away for a moment must not make
    the agent start the app a second time elsewhere. `tick` is called about once a second while something is waited for.
    """
    # The boot unit knows the usual place only, so a home of its own (the demo, a test) has a supervisor of its own.
    own = environ.get("GITOPS_VM_SUPERVISOR") == "embedded" or "GITOPS_VM_HOME" in environ
    if own or not _BOOTED.is_dir():
        return Embedded(paths, environ, tick, whence)
    return Systemd(paths, environ, tick, whence)
