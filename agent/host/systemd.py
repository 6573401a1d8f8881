"""`Services` on systemd's user manager."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from ..errors import Broken
from ..names import ReleaseId
from ..observed import Phase, Process
from ..paths import Paths
from ..release import Release
from ..unit import NOWHERE, Unit, Whence, unit_of
from ..unit_file import SOCKET, WAKE
from . import proc
from .ending import ending, last_words
from .port import refuse, stranger
from .systemctl import Systemctl
from .unit_files import UnitFiles

_BOOT = "gitops-app-boot.service"
_MARGIN = timedelta(seconds=15)  # what SIGKILL may take on a busy machine
_WORDS = ("--user", "--identifier=gitops-app")  # SyslogIdentifier= of gitops-app@.service: what every release prints
_DEFAULT_GRACE = timedelta(seconds=90)  # systemd's own, for a unit without our drop-in
_STATE = ("Id", "ActiveState", "UnitFileState", "NeedDaemonReload")
_PROCESS = (
    *("Id", "ActiveState", "SubState", "MainPID", "NRestarts", "Result"),
    *("ExecMainCode", "ExecMainStatus", "ExecMainStartTimestamp", "StatusText"),
)
_EXITED, _KILLED, _DUMPED = "1", "2", "3"  # CLD_EXITED, CLD_KILLED, CLD_DUMPED: sigaction(2)
_PHASES = {
    "active": Phase.RUNNING,
    "reloading": Phase.RUNNING,
    "activating": Phase.ACTIVATING,
    "deactivating": Phase.DEACTIVATING,
    "failed": Phase.FAILED,
}


class Systemd:
    def __init__(
        self, paths: Paths, environ: Mapping[str, str], tick: Callable[[], None], whence: Whence = NOWHERE
    ) -> None:
        self._paths = paths
        self._whence = whence
        self._files = UnitFiles(paths.units)
        self._systemctl = Systemctl(environ, tick)

    def install(self, release: Release) -> None:
        unit = unit_of(release, self._paths, self._whence)
        refuse(release.spec.service.port, self._stranger(release.spec.service.port))
        if not (self._files.listens_right(unit) and self._holds(unit)):
            self._let_go()  # before its file changes: a reload loses the descriptor of an address no longer named
        self._files.write(unit)
        self._systemctl.do("daemon-reload")
        self._systemctl.do("enable", _BOOT)
        self._hold(unit)

    def is_installed(self, release: Release) -> bool:
        unit = unit_of(release, self._paths, self._whence)
        if not self._files.are_exact(unit):
            return False
        states = self._systemctl.show(_name(release.id), _BOOT, SOCKET, WAKE, properties=_STATE)
        _, boot, listening, _ = states
        known = all(state["NeedDaemonReload"] == "no" for state in states)
        if not (known and boot["UnitFileState"] == "enabled"):
            return False
        if unit.listen:
            return self._holds(unit)
        return listening["ActiveState"] == "inactive" and not self._stranger(release.spec.service.port)

    def start(self, release: Release) -> None:
        unit = unit_of(release, self._paths, self._whence)
        if unit.listen is None:
            refuse(release.spec.service.port, self._stranger(release.spec.service.port))
        self._hold(unit)
        self._systemctl.run("systemctl", "reset-failed", "--", _name(release.id))
        self._systemctl.do("start", _name(release.id), options=("--no-block",))

    def stop(self, release: ReleaseId) -> None:
        if all(process.release != release for process in self.processes()):
            return
        name = _name(release)
        try:
            self._systemctl.do("stop", name, deadline=self._grace(release) + _MARGIN)
        except Broken:
            self._systemctl.do("kill", name, options=("--signal=SIGKILL",))
            self._systemctl.do("stop", name, deadline=_MARGIN)
        self._systemctl.run("systemctl", "reset-failed", "--", name)  # one that had to be killed stays as "failed"

    def processes(self) -> tuple[Process, ...]:
        units = self._systemctl.show("gitops-app@*.service", properties=_PROCESS)
        return tuple(_process(unit) for unit in units if unit["ActiveState"] in _PHASES)

    def units(self) -> frozenset[ReleaseId]:
        return self._files.releases()

    def forget(self, releases: Iterable[ReleaseId]) -> None:
        for release in releases:
            self._files.forget(release)
        self._systemctl.do("daemon-reload")

    def logs(self, release: ReleaseId | None, lines: int) -> str:
        which = (f"--user-unit={_name(release)}",) if release else _WORDS
        return self._systemctl.run("journalctl", "--quiet", "--output=short-iso", f"--lines={lines}", *which).text

    def follow_argv(self, lines: int) -> tuple[str, ...]:
        return ("journalctl", "--follow", f"--lines={lines}", "--output=short-iso", *_WORDS)

    def _let_go(self) -> None:
        """Close the socket; its service with it, in whose presence it would refuse to start again."""
        states = self._systemctl.show(SOCKET, WAKE, properties=_STATE)
        if up := [state["Id"] for state in states if state["ActiveState"] != "inactive"]:
            self._systemctl.do("stop", *up)

    def _hold(self, unit: Unit) -> None:
        """Have its socket listen; a port that one of our own still has is left for later."""
        if unit.listen is None or self._holds(unit):
            return
        try:
            self._systemctl.do("start", SOCKET)
        except Broken:
            if not proc.is_listening(unit.listen.port):
                raise
            refuse(unit.listen.port, self._stranger(unit.listen.port))

    def _holds(self, unit: Unit) -> bool:
        """Whether the socket unit is up and somebody really listens: after a reload it may be up with nothing in hand."""
        (state,) = self._systemctl.show(SOCKET, properties=_STATE)
        listens = unit.listen is not None and proc.is_listening(unit.listen.port)
        return listens and state["ActiveState"] == "active"

    def _stranger(self, port: int) -> str:
        """Who has the port, if neither our socket has it nor a process of ours."""
        (state,) = self._systemctl.show(SOCKET, properties=_STATE)
        if state["ActiveState"] == "active" and self._files.listens_on(port):
            return ""
        return stranger(port, lambda: [process.pid for process in self.processes() if process.pid])

    def _grace(self, release: ReleaseId) -> timedelta:
        found = re.search(r"^TimeoutStopSec=([0-9]+)ms$", self._files.text(release), re.MULTILINE)
        return timedelta(milliseconds=int(found[1])) if found else _DEFAULT_GRACE


def _name(release: ReleaseId) -> str:
    return f"gitops-app@{release}.service"


def _process(unit: Mapping[str, str]) -> Process:
    pid = int(unit["MainPID"]) or None
    waiting = unit["SubState"] == "auto-restart"  # systemd counts a restart when it is made, not when it is due
    ended = _exit(unit)
    return Process(
        release=ReleaseId(unit["Id"].removeprefix("gitops-app@").removesuffix(".service")),
        unit=unit["Id"],
        phase=_PHASES[unit["ActiveState"]],
        since=_instant(unit["ExecMainStartTimestamp"]),
        pid=pid,
        restarts=int(unit["NRestarts"]) + waiting,
        exit=ended,
        said=last_words(unit["StatusText"]) if ended else "",  # systemd keeps both until the next start
        memory=proc.memory(pid) if pid else None,
    )


def _instant(text: str) -> datetime:
    """`Mon 2026-11-23 08:48:23.123456 UTC`; empty before the first start."""
    if not text:
        return datetime.now(UTC)
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC)


def _exit(unit: Mapping[str, str]) -> str:
    number = int(unit["ExecMainStatus"])
    if unit["ExecMainCode"] in (_KILLED, _DUMPED):
        return ending(unit["Result"], killed_by=number)
    return ending(unit["Result"], status=number if unit["ExecMainCode"] == _EXITED else None)
