"""The VM this agent runs on: every part of `agent/host/` put together behind the one Protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from ..desired import Ref, Spec
from ..errors import AgentError, Reason
from ..names import ModelId, ReleaseId, Revision, VenvId, sha
from ..observed import Observed
from ..paths import Paths
from ..release import Release
from ..report import Fetched, Report
from ..source import Source
from ..unit import Whence
from .ballast import Ballast
from .between import tell_daemon
from .builder import Builder
from .declare import Declarer
from .discretion import Discretion, discreet
from .environment import Environments
from .evidence import Evidence
from .models import Models
from .observe import Observer
from .origin import Origin, full_ref, remote_of, status_remote_of
from .probe import Prober
from .records import Records
from .releases import Releases
from .repository import Repository
from .services import Services, choose
from .source_file import read_source
from .traffic import Traffic
from .tree import materialise
from .wishes import Wishes

Tell = Callable[[str], None]


def assemble(paths: Paths, environ: Mapping[str, str], *, alive: Tell, polled: bool) -> VM:
    """The host of this VM. `polled`: the daemon asks the remotes, so the passes need not. Raises Broken."""
    source = read_source(paths)
    services = choose(paths, environ, lambda: alive("waiting for the service"), whence_of(source))
    return VM(paths, environ, source, services, alive=alive, polled=polled)


def whence_of(source: Source) -> Whence:
    elsewhere = source.status.url not in (None, source.url)
    return Whence(source.url, "" if elsewhere else source.status.branch)


class VM:
    """agent.host.Host for real. One pass at a time may use it (worker.lock)."""

    def __init__(
        self, paths: Paths, environ: Mapping[str, str], source: Source, services: Services, *, alive: Tell, polled: bool
    ) -> None:
        self._paths = paths
        self._source = source
        self._services = services
        self._alive = alive
        self._polled = polled
        self.discretion = Discretion(paths)
        self._ballast = Ballast(paths.state / "ballast")
        self._records = Records(paths.state / "ledger.json", self._ballast)
        self.wishes = Wishes(self._records, paths.state)
        self._releases = Releases(paths)
        self._environments = Environments(paths, source.packages, environ)
        self._builder = Builder(paths, source.packages, environ)
        self._traffic = Traffic(paths)
        self._origin = self._follow("config", source.url, full_ref(source.ref))
        self._doing = ""

    # what it is asked

    def now(self) -> datetime:
        return datetime.now(UTC)

    def alive(self, doing: str) -> None:
        self._doing = doing
        self._alive(doing)

    def fetch(self) -> Fetched:
        self.alive("fetching")
        accepted = self.accepted()
        return self.discretion.fetched(self._origin.fetch(accepted.revision if accepted else None))

    @discreet
    def declare(self, revision: Revision) -> Release:
        return self._declarer.declare(revision, self.accepted())

    def accepted(self) -> Release | None:
        return self._records.ledger.accepted

    @discreet
    def observe(self, desired: Release | None) -> Observed:
        self.alive("observing")
        return self.discretion.observed(self._observer.observe(desired, self.now()))

    # what it is told to do

    @discreet
    def accept(self, release: Release) -> None:
        self._records.write(self._records.ledger.accept(release))

    @discreet
    def prepare(self, release: Release) -> None:
        self._builder.take_failure()
        repository, commit = self._repository_of(release.spec), sha(release.app_revision)
        needed = self._environments.files(release.spec, partial(repository.read, commit))
        self._builder.begin(release, needed, self.now())

    def abandon(self) -> None:
        self._builder.abandon()

    @discreet
    def build(self, release: Release) -> None:
        repository, commit = self._repository_of(release.spec), sha(release.app_revision)
        self._releases.build(release, partial(materialise, repository, commit))

    @discreet
    def install_units(self, release: Release) -> None:
        self._services.install(release)

    @discreet
    def start(self, release: Release) -> None:
        """The try is counted before it is made: a crash in between must not make it look like the first."""
        self._records.write(self._records.ledger.start(release, self.now()))
        self._services.start(release)

    @discreet
    def retire(self, release: ReleaseId, *, interrupts: bool = False) -> None:
        if interrupts:
            self._records.write(self._records.ledger.interrupt(self.now()))
        self._services.stop(release)

    @discreet
    def promote(self, release: ReleaseId) -> None:
        self._releases.promote(release)

    @discreet
    def hand_over(self, release: ReleaseId, others: frozenset[ReleaseId]) -> None:
        self._traffic.hand_over(release, sorted(others))

    @discreet
    def confirm(self, release: Release) -> None:
        self._records.write(self._records.ledger.confirm(release.id))
        with suppress(AgentError):  # what it weighs is good to know and no more
            process = next((each for each in self._services.processes() if each.release == release.id), None)
            if process and process.memory:
                self._records.write(self._records.ledger.weigh(release.kind, process.memory))

    @discreet
    def reject(self, release: Release, reason: Reason, message: str) -> None:
        self._records.write(self._records.ledger.reject(release, reason, message, self.now()))

    @discreet
    def prune(self, releases: frozenset[ReleaseId], venvs: frozenset[VenvId], models: frozenset[ModelId]) -> None:
        self._services.forget(releases)
        self._releases.remove(releases)
        self._environments.remove(venvs)
        Models(self._paths).remove(models)

    @discreet
    def failed(self, release: ReleaseId, step: str, error: AgentError) -> None:
        self._records.write(self._records.ledger.fail(release, step, error, self.now()))

    # what it tells others

    def publish(self, report: Report) -> None:
        self.alive("reporting")
        self._ballast.afford(lambda: self._tell(report))

    def _tell(self, report: Report) -> None:
        tell_daemon(self._paths, report, self._remotes(report))
        self._evidence.publish(report)

    def until_next(self, pause: timedelta | None) -> timedelta:
        """When a pass is wanted again: the plan's wish, the heartbeat, or a delivery that is due, whichever is first."""
        return self._evidence.until_next(pause, self.now())

    def _remotes(self, report: Report) -> dict[str, dict[str, Any]]:
        """Those that are followed, by the name under which the daemon tells what they answer."""
        spec, remotes = report.desired.spec if report.desired else None, {"config": self._origin.remote.to_json()}
        if spec and spec.source.url:
            remotes["app"] = self._elsewhere(spec).remote.to_json()
        return remotes

    # how it is put together

    def _tick(self) -> None:
        self._alive(self._doing)

    def _follow(self, name: str, url: str, ref: str) -> Origin:
        """The mirror of a repository is shared by all its refs."""
        remote = remote_of(url, ref, self._paths)
        repository = Repository(self._paths.mirror(url), remote, self._source.limits, tick=self._tick)
        return Origin(name, repository, self._paths.runtime / "heads.json", polled=self._polled)

    def _elsewhere(self, spec: Spec) -> Origin:
        assert spec.source.url  # noqa: S101 - for the type checker: callers have looked
        return self._follow("app", spec.source.url, full_ref(spec.source.ref or Ref(branch="main")))

    def _repository_of(self, spec: Spec) -> Repository:
        return self._elsewhere(spec).repository if spec.source.url else self._origin.repository

    @cached_property
    def _declarer(self) -> Declarer:
        return Declarer(
            self._source, self._paths, origin=self._origin, elsewhere=self._elsewhere, environments=self._environments
        )

    @cached_property
    def _observer(self) -> Observer:
        return Observer(
            self._paths,
            releases=self._releases,
            environments=self._environments,
            builder=self._builder,
            services=self._services,
            prober=Prober(self._paths, self._traffic),
            records=self._records,
        )

    @cached_property
    def _evidence(self) -> Evidence:
        own, ref = self._source.status.url, f"refs/heads/{self._source.status.branch}"
        remote = status_remote_of(own, ref, self._paths) if own else remote_of(self._source.url, ref, self._paths)
        return Evidence(
            self._paths,
            self._source,
            mirror=self._paths.mirror(remote.url),
            remote=remote,
            environments=self._environments,
            tick=self._tick,
        )
