"""A service manager in memory: units, one shared socket, processes that live on simulated time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from agent.errors import Reason, Transient
from agent.names import ReleaseId
from agent.observed import CROWDED, Phase, Process
from agent.release import Release
from tests.memory.program import FIT, End, Program

RESTART_PAUSE = 2.0  # seconds, RestartSec= of the unit


@dataclass(slots=True)
class Clock:
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass(slots=True)
class Life:
    """The unit of one release that is not inactive. `ended`: what became of the process, if none runs now."""

    release: Release
    program: Program
    since: datetime
    pid: int
    restarts: int = 0
    exit: str = ""
    ended: End | None = None
    leaves: datetime | None = None  # it is being stopped and will be gone at this time
    accepts: bool | None = None  # the shared socket's connections; None: it was not up yet to decide

    def age(self, now: datetime) -> float:
        return (now - self.since).total_seconds()


@dataclass(slots=True)
class MemoryServices:
    """The Services protocol; `crash` and `tamper` do to it what the world does to the real ones."""

    clock: Clock = field(default_factory=Clock)
    programs: dict[ReleaseId, Program] = field(default_factory=dict)
    lives: dict[ReleaseId, Life] = field(default_factory=dict)
    files: dict[ReleaseId, str] = field(default_factory=dict)
    listen: tuple[str, int] | None = None
    pids: Iterable[int] = field(default_factory=lambda: count(1000))

    def install(self, release: Release) -> None:
        self.files[release.id] = _unit_file(release)
        self.listen = _address(release)

    def is_installed(self, release: Release) -> bool:
        return self.files.get(release.id) == _unit_file(release) and self.listen == _address(release)

    def start(self, release: Release) -> None:
        self._advance()
        life = self.lives.get(release.id)
        if life is None or life.ended or life.leaves:
            program = self.programs.get(release.id, FIT)
            self.lives[release.id] = Life(release, program, self.clock.now, next(iter(self.pids)))

    def stop(self, release: ReleaseId) -> None:
        self.lives.pop(release, None)

    def processes(self) -> tuple[Process, ...]:
        self._advance()
        return tuple(self._process(life) for life in self.lives.values())

    def units(self) -> frozenset[ReleaseId]:
        return frozenset(self.files)

    def forget(self, releases: Iterable[ReleaseId]) -> None:
        for release in releases:
            self.files.pop(release, None)

    def accepts(self, release: ReleaseId, current: ReleaseId | None) -> bool | None:
        """As its launcher says it: None while it is not up; then, until it is told otherwise, whether it is current."""
        self._advance()
        life = self.lives.get(release)
        if life is None or self._phase(life) is not Phase.RUNNING:
            return None
        life.accepts = release == current if life.accepts is None else life.accepts
        return life.accepts

    def accept(self, release: ReleaseId) -> None:
        """Raises Transient where its launcher does not run."""
        self._advance()
        life = self.lives.get(release)
        if life is None or self._phase(life) is not Phase.RUNNING:
            raise Transient(Reason.SERVICE_MANAGER_FAILED, f"the launcher of {release} does not answer")
        life.accepts = True

    def rest(self, release: ReleaseId) -> None:
        if release in self.lives:
            self.lives[release].accepts = False

    def crash(self, release: ReleaseId) -> None:
        """kill -9 of the main process."""
        self._advance()
        self._end(self.lives[release], self.clock.now, End.RESTARTED, "killed by SIGKILL")

    def tamper(self, release: ReleaseId) -> None:
        """Somebody edits the unit."""
        self.files[release] = "edited by hand"

    def reboot(self, boots: Release | None) -> None:
        """Every process is gone; the boot unit starts one release without the agent."""
        self.lives.clear()
        if boots and boots.id in self.files:
            self.start(boots)

    def _advance(self) -> None:
        for life in list(self.lives.values()):
            while self._step(life):
                pass

    def _step(self, life: Life) -> bool:
        """Let the next event of this life happen, if its time has come."""
        if life.leaves is not None:
            if life.leaves <= self.clock.now:
                del self.lives[life.release.id]
            return False
        if life.ended is End.RESTARTED:
            again = life.since + timedelta(seconds=RESTART_PAUSE)
            if again > self.clock.now:
                return False
            life.since, life.ended, life.pid, life.accepts = again, None, next(iter(self.pids)), None
            life.exit = ""  # systemd forgets it then
            return True
        crowded = life.program.crowds and self._is_beside_another(life)
        ends = 0.5 if crowded else life.program.ends
        if life.ended or life.age(self.clock.now) < ends:
            return False
        end, how = (End.FAILED, CROWDED) if crowded else (life.program.end, "exited with status 1")
        self._end(life, life.since + timedelta(seconds=ends), end, how)
        return life.ended is End.RESTARTED

    def _is_in_the_way(self, life: Life) -> bool:
        """A port that one of the others wanted is its own."""
        return not life.ended and any(each.exit == CROWDED for each in self.lives.values() if each is not life)

    def _is_beside_another(self, life: Life) -> bool:
        return any(not each.ended and each.since < life.since for each in self.lives.values())

    def _end(self, life: Life, at: datetime, end: End, how: str) -> None:
        life.since, life.ended, life.exit = at, end, how
        life.restarts += end is End.RESTARTED
        if end is End.GONE:
            del self.lives[life.release.id]

    def _process(self, life: Life) -> Process:
        return Process(
            release=life.release.id,
            unit=f"gitops-app@{life.release.id}.service",
            phase=self._phase(life),
            since=life.since,
            pid=None if life.ended else life.pid,
            restarts=life.restarts,
            exit=life.exit,
            opens=frozenset({9100}) if self._is_in_the_way(life) else frozenset(),
        )

    def _phase(self, life: Life) -> Phase:
        if life.leaves:
            return Phase.DEACTIVATING
        if life.ended:
            return Phase.ACTIVATING if life.ended is End.RESTARTED else Phase.FAILED
        spec = life.release.spec
        waiting = (spec.service.notify or spec.launched) and not life.program.is_started(life.age(self.clock.now))
        return Phase.ACTIVATING if waiting else Phase.RUNNING


def _unit_file(release: Release) -> str:
    return f"unit of {release.id}"


def _address(release: Release) -> tuple[str, int] | None:
    service = release.spec.service
    return (service.host, service.port) if service.holds_socket else None
