"""A world the agent may wake up in, and what is known of its future without asking the plan."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import Enum

from agent.errors import AgentError, Reason, Stalled, Transient
from agent.ledger import Ledger
from agent.names import ModelId
from agent.observed import Cure, Failure, LastStart, Rejection
from agent.release import Release
from tests.memory import End, MemoryHost, release_of
from tests.memory.program import CRASHES, CROWDS, FALLS_DEAF, FIT, HANGS, NEVER_READY, Program
from tests.memory.services import Life
from tests.memory.vm import Making

STRANGER = release_of("stranger")
JUST_NOW = timedelta(seconds=1)

Failed = tuple[str, Cure, int] | None
"""A step, who can cure it, and how often in a row it failed."""
Started = tuple[str, int] | None
"""What was started last, and how often in a row."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A process in the middle of its life."""

    program: Program
    age: float
    restarts: int = 0
    ended: End | None = None
    leaves: float | None = None


class Runs(Enum):
    """What the process of a release is doing."""

    NOT = None
    WAKING = Moment(FIT, 1)
    READY = Moment(FIT, 30)
    READY_AGAIN = Moment(FIT, 30, restarts=1)
    UNREADY = Moment(NEVER_READY, 5)
    OVERDUE = Moment(NEVER_READY, 100)
    HUNG = Moment(HANGS, 100)
    DEAF = Moment(FALLS_DEAF, 200)
    ENDED = Moment(CRASHES, 5, ended=End.FAILED)
    BETWEEN = Moment(CRASHES, 1, restarts=1, ended=End.RESTARTED)
    STOPPING = Moment(FIT, 30, leaves=5)


class Makes(Enum):
    """What has become of an environment that was begun a while ago."""

    NONE = None
    NEW = ("new", None)
    NEW_HOPELESS = ("new", Stalled(Reason.BUILD_FAILED, "no such package"))
    NEW_UNLUCKY = ("new", Transient(Reason.INDEX_UNREACHABLE, "no answer"))
    NEW_KILLED = ("new", "killed")
    ANOTHER = ("another", None)
    ANOTHER_KILLED = ("another", "killed")


ILL = {Runs.READY_AGAIN, Runs.UNREADY, Runs.OVERDUE, Runs.HUNG, Runs.DEAF, Runs.ENDED, Runs.BETWEEN}
"""With these a release that was never confirmed has proved unfit, or will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`new` is declared, `old` was before it."""

    old: Release
    new: Release
    built: frozenset[str] = frozenset({"old", "new"})
    installed: frozenset[str] = frozenset()
    current: str | None = None
    confirmed: str | None = None
    rejected: bool = False
    old_runs: Runs = Runs.NOT
    new_runs: Runs = Runs.NOT
    stranger_runs: bool = False
    sick: bool = False  # whenever new is started, it crashes
    crowds: bool = False  # whenever new is started beside another, it crashes
    starts: Started = None
    failed: Failed = None
    remains: bool = False
    makes: Makes = Makes.NONE
    venv_made: bool = False  # of new, though new itself is not built
    models: frozenset[str] = frozenset()  # whole: those of "old", of "new", of a "stranger"
    partial_models: frozenset[str] = frozenset()
    accepting: frozenset[str] = frozenset()  # of launched ones
    promoted: float = 1000  # seconds ago

    def __str__(self) -> str:
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("old", "new")}
        named = {name: value.name if isinstance(value, Enum) else value for name, value in told.items() if value}
        return (
            f"a world where {named}, rollout: {self.new.spec.rollout.rollback}, healing: {self.new.spec.sync.self_heal}"
        )

    def host(self) -> MemoryHost:
        """This world, ready to be acted in."""
        host = MemoryHost(ledger=self._ledger(), current=self._id(self.current))
        host.push(self.new)
        host.promoted = host.now() - timedelta(seconds=self.promoted) if self.current else None
        host.may_interrupt = self.crowds
        host.services.programs[self.new.id] = CRASHES if self.sick else CROWDS if self.crowds else FIT
        host.built = {each.id: each for each in map(self._release, sorted(self.built))}
        host.venvs = {each.venv for each in host.built.values()}
        host.venvs |= {self.new.venv} if self.venv_made else set()
        host.models = self._models(self.models)
        host.partial_models = self._models(self.partial_models) - host.models
        for name in sorted(self.installed):
            host.services.install(self._release(name))
        if self.remains:
            host.remains.add(STRANGER.id)
            host.venvs.add(STRANGER.venv)
        self._make(host)
        self._run(host, self.old, self.old_runs)
        self._run(host, self.new, self.new_runs)
        self._run(host, STRANGER, Runs.READY if self.stranger_runs else Runs.NOT)
        return self._recorded(host)

    def can_go_back(self) -> bool:
        enabled = self.new.spec.rollout.rollback.enabled
        return (self.confirmed == "old" or self.on_trial()) and "old" in self.built and enabled

    def on_trial(self) -> bool:
        """Whether old has the traffic and does well with it: then it is confirmed before anything is done for new."""
        return self.current == "old" != self.confirmed and self.old_runs is Runs.READY and "old" in self.built

    def gives_up(self) -> bool:
        """Whether new is, or will be, known as unfit."""
        stray = "new" not in self.built and self.old_runs in (Runs.NOT, Runs.ENDED, Runs.DEAF)
        if stray and not self.rejected and not self.failed:
            return self.sick or self.is_hopeless()  # it gives way to old while it is built, and starts anew
        if self.makes is Makes.NEW and not self.rejected:
            return self.sick or self.is_spent()  # the same while its environment is made
        if self.new_runs not in (Runs.NOT, Runs.STOPPING):
            return self.rejected or self.new_runs in ILL
        return self.rejected or self.sick or self.is_spent() or self.is_hopeless()

    def is_hopeless(self) -> bool:
        return self.makes is Makes.NEW_HOPELESS and "new" not in self.built

    def is_spent(self) -> bool:
        tried_often = self.starts is not None and self.starts[0] == "new" and self.starts[1] > 3
        if self.failed is None or self.new_runs is Runs.STOPPING:
            return tried_often
        step, cure, count = self.failed
        given_up = cure is Cure.PUSH or (count > 3 and (cure is Cure.TIME or step == "Start"))
        return tried_often or (given_up and " " not in step)

    def _ledger(self) -> Ledger:
        confirmed = self._id(self.confirmed)
        return Ledger(accepted=self.new, confirmed=confirmed, good=(confirmed,) if confirmed else ())

    def _recorded(self, host: MemoryHost) -> MemoryHost:
        at, new = host.now() - JUST_NOW, self.new
        if self.rejected:
            rejection = Rejection(
                release=new.id, revision=new.revision, reason=Reason.HEALTH_CHECK_FAILED, message="it was ill", at=at
            )
            host.ledger = replace(host.ledger, rejected={new.id: rejection})
        if self.starts:
            started = LastStart(release=self._release(self.starts[0]).id, at=at, count=self.starts[1])
            host.ledger = replace(host.ledger, last_start=started)
        if self.failed:
            step, cure, count = self.failed
            failure = Failure(
                release=new.id,
                step=step.replace("old", self.old.id),
                cure=cure,
                reason=Reason.BUILD_FAILED,
                message="it failed",
                at=at,
                count=count,
            )
            host.ledger = replace(host.ledger, failure=failure)
        return host

    def _models(self, names: frozenset[str]) -> set[ModelId]:
        known = {"old": self.old.models, "new": self.new.models, "stranger": frozenset({ModelId("stranger")})}
        return {model for name in names for model in known[name]}

    def _make(self, host: MemoryHost) -> None:
        if self.makes.value is None:
            return
        whose, end = self.makes.value
        release = self.new if whose == "new" else STRANGER
        began, over = host.now() - timedelta(seconds=3), host.now() + timedelta(seconds=20)
        host.making = Making(release, began, over, lost=end == "killed")
        if isinstance(end, AgentError):
            host.making.error = end
        elif release.venv not in host.venvs:
            host.partial.add(release.venv)

    def _run(self, host: MemoryHost, release: Release, runs: Runs) -> None:
        moment, now = runs.value, host.now()
        if moment is None:
            return
        host.services.lives[release.id] = Life(
            release=release,
            program=moment.program,
            since=now - timedelta(seconds=moment.age),
            pid=1,
            restarts=moment.restarts,
            exit="exited with status 1" if moment.restarts or moment.ended else "",
            ended=moment.ended,
            leaves=None if moment.leaves is None else now + timedelta(seconds=moment.leaves),
            accepts=self._name(release) in self.accepting,
        )

    def _release(self, name: str) -> Release:
        return self.old if name == "old" else self.new

    def _name(self, release: Release) -> str:
        return {self.old.id: "old", self.new.id: "new"}.get(release.id, "")

    def _id(self, name: str | None) -> str | None:
        return self._release(name).id if name else None
