"""The embedded supervisor as the agent sees it: `Services` over the control socket."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ...errors import Broken, Reason
from ...names import ReleaseId
from ...observed import Phase, Process
from ...paths import Paths
from ...release import Release
from ...unit import NOWHERE, Whence, unit_of
from .. import command, files, lock, proc
from ..ending import ending, last_words
from ..port import refuse, stranger
from . import environment, unit_json, wire
from .log import tail

_DEADLINE = timedelta(seconds=10)
_MARGIN = timedelta(seconds=15)  # what SIGKILL may take on a busy machine
_PACKAGES = str(Path(__file__).parents[3])  # where the package `agent` lies


class Embedded:
    """Starts the supervisor when there is something to hold or to start; where it only looks, none is fine."""

    def __init__(
        self, paths: Paths, environ: Mapping[str, str], tick: Callable[[], None], whence: Whence = NOWHERE
    ) -> None:
        self._paths, self._tick, self._whence = paths, tick, whence
        self._environ = environment.base(environ) | {"PYTHONPATH": _PACKAGES, "PATH": os.defpath}
        self.directory = paths.data / "supervisor"
        self._page = (sys.executable, "-m", "agent.launcher.away", str(paths.data), str(paths.launched))

    def install(self, release: Release) -> None:
        unit = unit_of(release, self._paths, self._whence)
        # A new supervisor ends first what a killed one has left: that is no stranger.
        self._ensure()
        refuse(release.spec.service.port, self._stranger(release.spec.service.port))
        path, text = unit_json.path(self.directory, release.id), unit_json.encode(unit)
        if not files.holds(path, text):
            files.write(path, text)
        try:
            self._ask("listen", address=unit.listen, page=self._page)
        except wire.RefusedError as refused:
            self._explain(refused, release)

    def is_installed(self, release: Release) -> bool:
        unit = unit_of(release, self._paths, self._whence)
        path = unit_json.path(self.directory, release.id)
        held = [*unit.listen] if unit.listen else None
        if not files.holds(path, unit_json.encode(unit)) or self._list()["listen"] != held:
            return False
        return unit.listen is not None or not self._stranger(release.spec.service.port)

    def start(self, release: Release) -> None:
        unit = unit_of(release, self._paths, self._whence)
        self._ensure()
        if unit.listen is None:
            refuse(release.spec.service.port, self._stranger(release.spec.service.port))
        try:
            self._ask("listen", address=unit.listen, page=self._page)
            self._ask("start", release=release.id)
        except wire.RefusedError as refused:
            self._explain(refused, release)
            raise _broken(refused) from refused

    def stop(self, release: ReleaseId) -> None:
        self._ask_if_there("stop", within=self._grace(release) + _MARGIN, release=release)

    def processes(self) -> tuple[Process, ...]:
        return tuple(map(_process, self._list()["instances"]))

    def units(self) -> frozenset[ReleaseId]:
        return frozenset(ReleaseId(path.stem) for path in (self.directory / "units").glob("*.json"))

    def forget(self, releases: Iterable[ReleaseId]) -> None:
        for release in releases:
            files.remove(unit_json.path(self.directory, release))

    def logs(self, release: ReleaseId | None, lines: int) -> str:
        return tail(self.directory / wire.LOG, release, lines)

    def follow_argv(self, lines: int) -> tuple[str, ...]:
        return ("tail", f"--lines={lines}", "--follow=name", "--retry", str(self.directory / wire.LOG))

    def shutdown(self) -> None:
        """End the supervisor and everything it has started."""
        graces = [self._grace(process.release) for process in self.processes()]
        self._ask_if_there("shutdown", within=max(graces, default=timedelta(0)) + _MARGIN)

    def _ensure(self) -> None:
        """Have a supervisor that answers. Of several clients at once one starts it and the others wait."""
        if self._ask_if_there("list") is not None:
            return
        with lock.hold(self.directory / "starting", patience=_DEADLINE * 3):
            if self._ask_if_there("list") is None:
                self._spawn()

    def _spawn(self) -> None:
        argv = (sys.executable, "-m", "agent.host.supervisor", str(self.directory))
        started = command.run(argv, deadline=_DEADLINE * 2, env=self._environ, tick=self._tick)
        if self._ask_if_there("list") is None:
            raise Broken(Reason.SERVICE_MANAGER_FAILED, f"the supervisor does not start: {started.complaint}")

    def _list(self) -> Any:
        return self._ask_if_there("list") or {"listen": None, "instances": []}

    def _stranger(self, port: int) -> str:
        """Who has the port, if neither the held socket has it nor a process of ours."""
        held = self._list()["listen"]
        if held and held[1] == port:
            return ""
        return stranger(port, lambda: [each["pid"] for each in self._list()["instances"] if each["pid"]])

    def _ask_if_there(self, verb: str, *, within: timedelta = _DEADLINE, **arguments: Any) -> Any:
        """None where no supervisor runs."""
        try:
            return self._ask(verb, within=within, **arguments)
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    def _ask(self, verb: str, *, within: timedelta = _DEADLINE, **arguments: Any) -> Any:
        try:
            return wire.ask(self.directory, verb, deadline=within, tick=self._tick, **arguments)
        except (TimeoutError, ConnectionResetError, BrokenPipeError) as error:
            hint = f"{sys.executable} -m agent.host.supervisor {self.directory} shutdown"
            message = f"the supervisor does not answer to {verb} within {within.total_seconds():g} s"
            raise Broken(Reason.SERVICE_MANAGER_FAILED, message, hint=hint) from error

    def _explain(self, refused: wire.RefusedError, release: Release) -> None:
        """Raises Broken for anything but a port that one of our own still has, which gives way before `start`."""
        if refused.errno != errno.EADDRINUSE:
            raise _broken(refused) from refused
        refuse(release.spec.service.port, self._stranger(release.spec.service.port))

    def _grace(self, release: ReleaseId) -> timedelta:
        try:
            return unit_json.decode(unit_json.path(self.directory, release).read_text()).stop_timeout
        except (OSError, ValueError, TypeError, KeyError):
            return timedelta(minutes=1)


def _broken(refused: wire.RefusedError) -> Broken:
    return Broken(Reason.SERVICE_MANAGER_FAILED, f"the supervisor refuses: {refused}")


def _process(told: Mapping[str, Any]) -> Process:
    return Process(
        release=ReleaseId(told["release"]),
        unit=told["release"],
        phase=Phase(told["phase"]),
        since=datetime.fromtimestamp(told["since"], UTC),
        pid=told["pid"],
        restarts=told["restarts"],
        exit=_exit(told["exit"], told["result"]),
        said=last_words(told.get("said", "")),  # a supervisor that an older agent started does not say
        memory=proc.memory(told["pid"]) if told["pid"] else None,
    )


def _exit(status: int | None, result: str) -> str:
    if status is None:
        return ending(result)
    code = os.waitstatus_to_exitcode(status)
    return ending(result, killed_by=-code) if code < 0 else ending(result, status=code)
