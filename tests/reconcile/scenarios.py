"""What may happen to a VM, told as the world does it: something happens, and then the agent has time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from agent.errors import AgentError, Broken, Reason, Stalled, Transient
from agent.release import Release
from tests.memory import MemoryHost, Program, release_of, spec_of
from tests.memory.program import CRASHES, FALLS_DEAF, UNFIT_FROM_THE_START
from tests.reconcile.drive import settle, until

OLD = release_of("old")
NEW = release_of("new", venv="venv-2")
THIRD = release_of("third", venv="venv-3")
MOVED = release_of("moved", spec_of(port=9000))
NEWEST = release_of("newest", spec_of(notify=True))
MODEL = release_of("model", spec_of(models=("mood",)), venv="venv-2")
MODELS = release_of("models", spec_of(models=("mood", "thoughts")), venv="venv-2")

Happening = Callable[[MemoryHost], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`story`: each event, and how long the agent has before the next. `serves`: what runs in the end."""

    name: str
    story: tuple[tuple[Happening, Happening], ...]
    serves: Release
    rejects: frozenset[str] = frozenset()
    upgraded: bool = True  # old runs already

    def host(self) -> MemoryHost:
        host = MemoryHost()
        if self.upgraded:
            host.push(OLD)
            settle(host)
            host.journal.clear()
        return host


def push(release: Release, program: Program | None = None) -> Happening:
    def happens(host: MemoryHost) -> None:
        if program:
            host.services.programs[release.id] = program
        host.push(release)

    return happens


def failing(verb: str, release: Release, error: AgentError, times: float) -> Happening:
    def happens(host: MemoryHost) -> None:
        host.fail(verb, release, error, times)
        host.push(release)

    return happens


def slowly(release: Release, program: Program | None = None) -> Happening:
    """A push whose environment takes a while to make."""

    def happens(host: MemoryHost) -> None:
        host.making_takes = timedelta(seconds=90)
        push(release, program)(host)

    return happens


def is_made(host: MemoryHost) -> bool:
    return host.making is not None


def kill_build(host: MemoryHost) -> None:
    if host.making:  # a power cut may have been there before
        host.kill_build()


def stop(host: MemoryHost) -> None:
    host.stopped = True


def start(host: MemoryHost) -> None:
    host.stopped = False


def runs(release: Release) -> Callable[[MemoryHost], bool]:
    return lambda host: release.id in host.services.lives


TRANSIENT = Transient(Reason.INDEX_UNREACHABLE, "the package index does not answer")
STALLED = Stalled(Reason.BUILD_FAILED, "no version of nosuchpackage exists")
BROKEN = Broken(Reason.SERVICE_MANAGER_FAILED, "the user manager is gone", hint="sudo loginctl enable-linger mood")

FIRST_REJECTED = frozenset({NEW.id})
SCENARIOS = [
    Scenario(name="first deploy", story=((push(NEW), settle),), serves=NEW, upgraded=False),
    Scenario(
        name="the first deploy is sick and the next one mends it",
        story=((push(OLD, CRASHES), until(lambda host: host.times("start", OLD)[2:])), (push(NEW), settle)),
        serves=NEW,
        upgraded=False,
    ),
    Scenario(name="new code", story=((push(NEWEST), settle),), serves=NEWEST),
    Scenario(name="another environment", story=((push(NEW), settle),), serves=NEW),
    Scenario(name="another port", story=((push(MOVED), settle),), serves=MOVED),
    Scenario(name="and back to the release before", story=((push(NEW), settle), (push(OLD), settle)), serves=OLD),
    *(
        Scenario(name=f"the new one {name}", story=((push(NEW, program), settle),), serves=OLD, rejects=FIRST_REJECTED)
        for name, program in UNFIT_FROM_THE_START.items()
    ),
    Scenario(
        name="a sick one and the push that mends it",
        story=((push(NEW, CRASHES), settle), (push(NEWEST), settle)),
        serves=NEWEST,
        rejects=FIRST_REJECTED,
    ),
    Scenario(
        name="the newest is declared in the middle of a rollout",
        story=((push(NEW), until(runs(NEW))), (push(NEWEST), settle)),
        serves=NEWEST,
    ),
    Scenario(
        name="another port, sick, and the newest in the middle of it",
        story=((push(MOVED, CRASHES), until(runs(MOVED))), (push(NEWEST), settle)),
        serves=NEWEST,
    ),
    Scenario(name="the index is away", story=((failing("build", NEW, TRANSIENT, 3), settle),), serves=NEW),
    Scenario(
        name="the index stays away",
        story=((failing("build", NEW, TRANSIENT, 9), settle),),
        serves=OLD,
        rejects=FIRST_REJECTED,
    ),
    Scenario(
        name="a build only a push can cure",
        story=((failing("build", NEW, STALLED, 9), settle),),
        serves=OLD,
        rejects=FIRST_REJECTED,
    ),
    Scenario(name="a build somebody cures", story=((failing("build", NEW, BROKEN, 6), settle),), serves=NEW),
    Scenario(
        name="a start that fails for good",
        story=((failing("start", NEW, BROKEN, 99), settle),),
        serves=OLD,
        rejects=FIRST_REJECTED,
    ),
    Scenario(name="a switch that fails for a while", story=((failing("promote", NEW, BROKEN, 5), settle),), serves=NEW),
    Scenario(name="a slow build", story=((slowly(NEW), settle),), serves=NEW),
    Scenario(name="a slow first build", story=((slowly(NEW), settle),), serves=NEW, upgraded=False),
    Scenario(
        name="what serves falls during a slow build",
        story=((slowly(NEW), until(is_made)), (lambda host: host.services.stop(OLD.id), settle)),
        serves=NEW,
    ),
    Scenario(
        name="a push of code alone during a slow build",
        story=((slowly(NEW), until(is_made)), (push(NEWEST), settle)),
        serves=NEWEST,
    ),
    Scenario(
        name="a push with another environment during a slow build",
        story=((slowly(NEW), until(is_made)), (slowly(THIRD), settle)),
        serves=THIRD,
    ),
    Scenario(name="a slow build is killed", story=((slowly(NEW), until(is_made)), (kill_build, settle)), serves=NEW),
    Scenario(
        name="stopped and started during a slow build",
        story=((slowly(NEW), until(is_made)), (stop, settle), (start, settle)),
        serves=NEW,
    ),
    Scenario(
        name="a slow build that fails in the end",
        story=((slowly(NEW), until(is_made)), (failing("build", NEW, STALLED, 9), settle)),
        serves=OLD,
        rejects=FIRST_REJECTED,
    ),
    Scenario(name="a model, and another one", story=((push(MODEL), settle), (push(MODELS), settle)), serves=MODELS),
    Scenario(
        name="a push with another model during a slow fetch, which is killed",
        story=((slowly(MODEL), until(is_made)), (slowly(MODELS), until(is_made)), (kill_build, settle)),
        serves=MODELS,
    ),
    Scenario(
        name="a model that is no more needed, and one that does not exist",
        story=((push(MODEL), settle), (push(OLD), settle), (failing("build", MODELS, STALLED, 9), settle)),
        serves=OLD,
        rejects=frozenset({MODELS.id}),
    ),
    Scenario(name="edited by hand", story=((lambda host: host.services.tamper(OLD.id), settle),), serves=OLD),
    Scenario(name="removed", story=((lambda host: host.services.stop(OLD.id), settle),), serves=OLD),
    Scenario(
        name="deaf once",
        story=(
            (push(NEW, FALLS_DEAF), until(runs(NEW))),
            (lambda host: host.services.programs.pop(NEW.id), until(lambda host: host.times("start", NEW)[1:])),
            (lambda host: None, settle),
        ),
        serves=NEW,
    ),
    Scenario(name="stopped and started", story=((stop, settle), (start, settle)), serves=OLD),
    Scenario(
        name="started with another revision", story=((stop, settle), (push(NEW), settle), (start, settle)), serves=NEW
    ),
]
