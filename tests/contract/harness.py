"""What a contract test needs of a backend: its services, releases of every habit, and the hands of somebody on the VM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from agent.host.services import Services
from agent.names import ReleaseId
from agent.observed import Process
from agent.release import Release
from tests.memory import MemoryServices, Program, release_of, spec_of
from tests.memory.program import CRASHES, HANGS

T = TypeVar("T")


class Harness(Protocol):
    services: Services

    def make_release(self, *flags: str, **service: Any) -> Release:
        """A release that is built. `flags` are those of program.py, `service` is what desired-state.yaml says there."""

    def make_launched(self, *, port: int) -> Release:
        """The same of an app that our launcher serves."""

    def make_current(self, release: Release) -> None:
        """What a reboot starts."""

    def accepts(self, release: Release) -> bool | None:
        """Whether it takes the connections of the held socket; None while it does not say."""

    def hand_over(self, release: Release, others: tuple[Release, ...]) -> None:
        """To the first, from the others."""

    def crash(self, release: Release) -> None:
        """kill -9 of its main process."""

    def tamper(self, release: Release) -> None:
        """Edit its unit."""

    def wait(self, claim: Callable[[], T], what: str) -> T: ...

    def end(self) -> None: ...


def process_of(harness: Harness, release: Release) -> Process | None:
    return next((each for each in harness.services.processes() if each.release == release.id), None)


class MemoryHarness:
    """The one that the plan is tested with keeps the same contract."""

    def __init__(self) -> None:
        self.services = MemoryServices()
        self._made = 0
        self._current: ReleaseId | None = None

    def make_release(self, *flags: str, **service: Any) -> Release:
        self._made += 1
        release = release_of(f"release {self._made}", spec_of(notify=service.get("notify", False)))
        self.services.programs[release.id] = _habit(flags, notify=service.get("notify", False))
        return release

    def make_launched(self, *, port: int) -> Release:
        self._made += 1
        release = release_of(f"release {self._made}", spec_of(port=port, program='asgi: "page:app"'))
        self.services.programs[release.id] = _habit((), notify=False)
        return release

    def make_current(self, release: Release) -> None:
        self._current = release.id

    def accepts(self, release: Release) -> bool | None:
        return self.services.accepts(release.id, self._current)

    def hand_over(self, release: Release, others: tuple[Release, ...]) -> None:
        self.services.accept(release.id)
        for other in others:
            self.services.rest(other.id)

    def crash(self, release: Release) -> None:
        self.services.crash(ReleaseId(release.id))

    def tamper(self, release: Release) -> None:
        self.services.tamper(release.id)

    def wait(self, claim: Callable[[], T], what: str) -> T:
        for _ in range(600):
            if answer := claim():
                return answer
            self.services.clock.advance(timedelta(milliseconds=100))
        raise TimeoutError(f"a minute of simulated time went by without {what}")

    def end(self) -> None:
        """Nothing is left of it."""


def _habit(flags: tuple[str, ...], *, notify: bool) -> Program:
    if "--crash" in flags:
        return CRASHES
    silent = notify and "--ready" not in flags
    return HANGS if silent else replace(Program(), starts=0.2, ready=0.3)
