"""What is true of a VM in memory, and what the world does to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.errors import AgentError
from agent.ledger import Ledger
from agent.names import ModelId, ReleaseId, Revision, VenvId
from agent.observed import Building, BuildState, Pause, Phase
from agent.release import Release
from agent.report import Report
from tests.memory.services import MemoryServices


class PowerCut(BaseException):
    """The VM dies between two effects."""


@dataclass(slots=True)
class Fault:
    """An effect that fails `times` times, after it has succeeded `spared` times."""

    error: AgentError
    times: float
    spared: int = 0


@dataclass(slots=True)
class Making:
    """An environment in the making, and models. `lost`: whoever made it was killed."""

    release: Release
    since: datetime
    ends: datetime
    lost: bool = False
    error: AgentError | None = None

    def observed(self) -> Building:
        state = BuildState.LOST if self.lost else BuildState.FAILED if self.error else BuildState.RUNNING
        return Building(
            venv=self.release.venv,
            models=self.release.models,
            since=self.since,
            state=state,
            doing="installing requirements.txt",
        )


@dataclass(slots=True)
class MemoryVM:
    """`effects_left`: the power fails before the effect after so many. Each write to the disk is one effect."""

    services: MemoryServices = field(default_factory=MemoryServices)
    ledger: Ledger = field(default_factory=Ledger)
    declared: dict[Revision, Release | AgentError] = field(default_factory=dict)
    head: Revision | None = None
    fetch_error: AgentError | None = None
    built: dict[ReleaseId, Release] = field(default_factory=dict)
    remains: set[ReleaseId] = field(default_factory=set)
    venvs: set[VenvId] = field(default_factory=set)
    partial: set[VenvId] = field(default_factory=set)
    models: set[ModelId] = field(default_factory=set)
    partial_models: set[ModelId] = field(default_factory=set)
    making: Making | None = None
    making_takes: timedelta = timedelta(0)
    current: ReleaseId | None = None
    promoted: datetime | None = None
    free_memory: int | None = None
    may_interrupt: bool = False  # what answers may be stopped before another one does
    paused: Pause | None = None
    stopped: bool = False
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)
    effects_left: float = float("inf")
    journal: list[tuple[datetime, str, str]] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def push(self, release: Release | AgentError, name: str = "") -> None:
        """A revision that declares this release, or that cannot be declared."""
        self.head = release.revision if isinstance(release, Release) else Revision(f"main@sha1:{name}")
        self.declared[self.head] = release

    def fail(
        self, verb: str, release: Release, error: AgentError, times: float = float("inf"), *, spared: int = 0
    ) -> None:
        """This effect on this release fails."""
        self.faults[verb, release.id] = Fault(error, times, spared)

    def reboot(self) -> None:
        """The power is back: the boot unit starts what `current` names. Of what was being made, remains are on the disk."""
        self.making = None
        boots = self.built.get(self.current) if self.current and not self.stopped else None
        self.services.reboot(boots)

    def is_well(self, release: ReleaseId) -> bool:
        """The truth, not an observation: its own process runs and answers now."""
        process = next((each for each in self.services.processes() if each.release == release), None)
        life = self.services.lives.get(release)
        if process is None or life is None or process.phase is not Phase.RUNNING:
            return False
        return life.program.is_ready(life.age(self.services.clock.now))

    def kill_build(self) -> None:
        """kill -9 of what makes an environment."""
        assert self.making
        self.making.lost = True

    def make(self) -> None:
        """Let what is being made come to its end, if its time has come."""
        making = self.making
        if making is None or making.lost or making.error or making.ends > self.services.clock.now:
            return
        try:
            self.may_fail("build", making.release.id)
        except AgentError as error:
            making.error = error
        else:
            self.venvs.add(making.release.venv)
            self.models |= making.release.models
            self.partial_models -= making.release.models
            self.making = None
        self.partial.discard(making.release.venv)
        self.journal.append((making.ends, "build", making.release.id))

    def times(self, verb: str, release: Release) -> list[datetime]:
        """When this effect was done."""
        return [at for at, what, on in self.journal if (what, on) == (verb, release.id)]

    def effect(self, verb: str, release: str) -> None:
        """One write to the disk, or one thing done to the service manager: unless it fails, or the power does."""
        if self.effects_left <= 0:
            raise PowerCut
        self.effects_left -= 1
        self.may_fail(verb, release)
        self.journal.append((self.services.clock.now, verb, release))

    def may_fail(self, verb: str, release: str) -> None:
        fault = self.faults.get((verb, release))
        if fault and fault.spared > 0:
            fault.spared -= 1
        elif fault and fault.times > 0:
            fault.times -= 1
            raise fault.error
