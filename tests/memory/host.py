"""agent.host.Host in memory. It also knows the truth, and refuses what must never happen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from agent.errors import AgentError, Reason, Transient
from agent.names import ModelId, ReleaseId, Revision, VenvId
from agent.observed import Observed, Phase, Process
from agent.release import Release
from agent.report import Fetched, Report
from tests.memory.services import Life
from tests.memory.vm import Making, MemoryVM


@dataclass(slots=True)
class MemoryHost(MemoryVM):
    """Each write is an effect of its own, so that the power may fail between the two of one step."""

    def now(self) -> datetime:
        return self.services.clock.now

    def alive(self, doing: str) -> None:
        assert doing

    def fetch(self) -> Fetched:
        return Fetched(url="file:///remote", ref="main", revision=self.head, at=self.now(), error=self.fetch_error)

    def declare(self, revision: Revision) -> Release:
        found = self.declared[revision]
        if isinstance(found, AgentError):
            raise found
        return found

    def accepted(self) -> Release | None:
        return self.ledger.accepted

    def accept(self, release: Release) -> None:
        self.effect("accept", release.id)
        self.ledger = self.ledger.accept(release)

    def observe(self, desired: Release | None) -> Observed:
        self.may_fail("observe", desired.id if desired else "")
        self.make()
        processes = tuple(self._probed(each) for each in self.services.processes())
        known = {**self.built, **({desired.id: desired} if desired else {})}
        return Observed(
            releases=dict(self.built),
            installed=frozenset(each.id for each in known.values() if self.services.is_installed(each)),
            venvs=frozenset(self.venvs),
            partial=frozenset(self.partial),
            models=frozenset(self.models),
            partial_models=frozenset(self.partial_models),
            building=self.making.observed() if self.making else None,
            remains=frozenset(self.remains) | (self.services.units() - self.built.keys()),
            current=self.current,
            promoted=self.promoted,
            free_memory=self.free_memory,
            processes=processes,
            confirmed=self.ledger.confirmed,
            good=self.ledger.good,
            rejected=self.ledger.rejected,
            last_start=self.ledger.last_start,
            interrupted=self.ledger.interrupted,
            failure=self.ledger.failure,
            paused=self.paused,
            pinned=self.ledger.pinned,
            stopped=self.stopped,
        )

    def prepare(self, release: Release) -> None:
        last = self.making
        assert last is None or _needs(last.release) == _needs(release), "two are made at once"
        assert last is None or last.lost or last.error, "it is being made already"
        self.effect("prepare", release.id)
        self.making = None
        if last:
            raise last.error or Transient(Reason.BUILD_FAILED, "the build was killed")
        self.making = Making(release, self.now(), self.now() + self.making_takes)
        self.partial |= {release.venv} - self.venvs
        self.partial_models |= release.models - self.models

    def abandon(self) -> None:
        assert self.making, "nothing is being made"
        self.effect("abandon", self.making.release.id)
        if not self.making.lost:  # of models what has come stays
            self.partial.discard(self.making.release.venv)
        self.making = None

    def build(self, release: Release) -> None:
        assert release.venv in self.venvs, "its environment is not whole"
        assert release.models <= self.models, "a model is not whole"
        self.effect("unpack", release.id)
        if release.id not in self.built:
            self.remains.add(release.id)
        self.effect("publish", release.id)
        self.built[release.id] = release
        self.remains.discard(release.id)

    def install_units(self, release: Release) -> None:
        self.effect("install", release.id)
        self.services.install(release)

    def start(self, release: Release) -> None:
        assert release.id in self.built, "started and not built"
        assert self.services.is_installed(release), "started without its units"
        assert all(self._beside(release, life) for life in self.services.lives.values()), "the port is taken"
        self._refuse_a_rejected(release)
        self._refuse_haste(release)
        self.effect("record", release.id)
        self.ledger = self.ledger.start(release, self.now())
        self.effect("start", release.id)
        self.services.start(release)

    def retire(self, release: ReleaseId, *, interrupts: bool = False) -> None:
        assert self.stopped or self.may_interrupt or not self._only_this_answers(release), "nobody answers any more"
        if interrupts:
            self.ledger = self.ledger.interrupt(self.now())
        self.effect("retire", release)
        self.services.stop(release)

    def promote(self, release: ReleaseId) -> None:
        assert self.is_well(release) or release == self.ledger.confirmed, "promoted and not well"
        self.effect("promote", release)
        self.current, self.promoted = release, self.now()

    def hand_over(self, release: ReleaseId, others: frozenset[ReleaseId]) -> None:
        assert self.is_well(release), "given the traffic and not well"
        assert self.current == release, "given the traffic before a reboot would start it"
        self.effect("hand over", release)
        self.services.accept(release)
        self.effect("hand over", release)
        for other in others:
            self.services.rest(other)

    def confirm(self, release: Release) -> None:
        assert self.is_well(release.id), "confirmed and not well"
        assert self.current == release.id, "confirmed before a reboot would start it"
        self.effect("confirm", release.id)
        self.ledger = self.ledger.confirm(release.id)

    def reject(self, release: Release, reason: Reason, message: str) -> None:
        assert release.id != self.ledger.confirmed, "rejected the confirmed release"
        assert self.ledger.confirmed in self.built, "rejected with nothing to go back to"
        assert message, "rejected without a word"
        self.effect("reject", release.id)
        self.ledger = self.ledger.reject(release, reason, message, self.now())

    def prune(self, releases: frozenset[ReleaseId], venvs: frozenset[VenvId], models: frozenset[ModelId]) -> None:
        assert not releases & {self.current, self.ledger.confirmed, *self.services.lives}, "pruned what is needed"
        at_work = self.making and not self.making.lost and not self.making.error
        assert not (at_work and self.making.release.venv in venvs), "pruned what is being made"
        assert not (at_work and self.making.release.models & models), "pruned what is being fetched"
        self.effect("prune", "")
        self.services.forget(releases)
        self.effect("prune", "")
        self.remains -= releases
        self.built = {key: each for key, each in self.built.items() if key not in releases}
        self.effect("prune", "")
        self.venvs -= venvs
        self.partial -= venvs
        self.effect("prune", "")
        self.models -= models
        self.partial_models -= models

    def failed(self, release: ReleaseId, step: str, error: AgentError) -> None:
        self.effect("failed", release)
        self.ledger = self.ledger.fail(release, step, error, self.now())

    def publish(self, report: Report) -> None:
        self.reports.append(report)

    def _refuse_a_rejected(self, release: Release) -> None:
        confirmed = self.ledger.confirmed
        elsewhere = confirmed in self.built and confirmed != release.id and release.spec.rollout.rollback.enabled
        assert not (release.id in self.ledger.rejected and elsewhere), "started a rejected release"

    def _refuse_haste(self, release: Release) -> None:
        """At most one start of a release per cool-down, which grows from start to start (sync.selfHeal.backoff)."""
        last, backoff = self.ledger.last_start, release.spec.sync.self_heal.backoff
        if last is None or last.release != release.id or last.at > self.now() or not last.count:
            return
        pause = min(backoff.duration * backoff.factor ** min(last.count - 1, 16), backoff.max_duration)
        assert self.now() - last.at >= pause, "started again within its cool-down"

    def _only_this_answers(self, release: ReleaseId) -> bool:
        """Of the launched ones, which need not give way to each other. One that ended before is not trusted."""
        well = {each for each, life in self.services.lives.items() if life.accepts and self.is_well(each)}
        return well == {release} and not self.services.lives[release].restarts

    def _beside(self, release: Release, other: Life) -> bool:
        """Whether it can be started while the other one runs: both take their connections from one socket."""
        one, two = release.spec, other.release.spec
        at = [(each.service.host, each.service.port) for each in (one, two)]
        shared = one.launched and two.launched and at[0] == at[1]
        return other.release.id == release.id or bool(shared)

    def _probed(self, process: Process) -> Process:
        life = self.services.lives[process.release]
        if process.phase is not Phase.RUNNING:
            return process
        age, now, service = life.age(self.now()), self.now(), life.release.spec.service
        accepts = self.services.accepts(process.release, self.current) if life.release.spec.launched else None
        if not life.program.is_started(age):
            startup = life.program.startup(age, service.startup_probe, now)
            return replace(process, accepts=accepts, readiness=startup)
        return replace(
            process,
            accepts=accepts,
            started=True,
            readiness=life.program.readiness(age, service.readiness_probe, now),
            liveness=life.program.liveness(age, service.liveness_probe, now),
        )


def _needs(release: Release) -> tuple[VenvId, frozenset[ModelId]]:
    return release.venv, release.models
