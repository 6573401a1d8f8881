"""What is true on this VM, put together from its releases, its services, the probes' answers and the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ..names import ReleaseId
from ..observed import CROWDED, Observed, Process
from ..paths import Paths
from ..release import Release
from . import proc
from .builder import Builder
from .environment import Environments
from .models import Models
from .probe import Prober
from .records import Records, paused
from .releases import Releases
from .services import Services


class Observer:
    def __init__(
        self,
        paths: Paths,
        *,
        releases: Releases,
        environments: Environments,
        builder: Builder,
        services: Services,
        prober: Prober,
        records: Records,
    ) -> None:
        self._paths = paths
        self._releases = releases
        self._environments = environments
        self._models = Models(paths)
        self._builder = builder
        self._services = services
        self._prober = prober
        self._records = records

    def observe(self, desired: Release | None, now: datetime) -> Observed:
        """Each process is asked the probes of its own release, not those of the declared one."""
        building = self._builder.look()  # first: one that ends now is then seen whole
        venvs = self._environments.complete()
        built = self._releases.load(venvs)
        ledger = self._records.ledger
        return Observed(
            releases=built,
            installed=self._installed(built, desired),
            venvs=venvs,
            partial=self._environments.remains(),
            models=self._models.complete(),
            partial_models=self._models.remains(),
            building=building,
            remains=self._releases.remains(venvs) | (self._services.units() - built.keys()),
            current=self._releases.current(),
            promoted=self._releases.promoted(),
            free_memory=proc.free_memory(),
            sizes=ledger.sizes,
            processes=self._processes(built, now),
            confirmed=ledger.confirmed,
            good=ledger.good,
            rejected=ledger.rejected,
            last_start=ledger.last_start,
            interrupted=ledger.interrupted,
            failure=ledger.failure,
            paused=paused(self._paths.paused),
            pinned=ledger.pinned,
            stopped=self._paths.stopped.exists(),
        )

    def _installed(self, built: Mapping[ReleaseId, Release], desired: Release | None) -> frozenset[ReleaseId]:
        """Only of those that can be wanted now: the declared release, the one to go back to, and the one somebody asked for."""
        pin = self._records.ledger.pinned
        wanted = {desired.id if desired else None, self._records.ledger.confirmed, pin.release if pin else None}
        candidates = [release for key, release in built.items() if key in wanted]
        return frozenset(release.id for release in candidates if self._services.is_installed(release))

    def _processes(self, built: Mapping[ReleaseId, Release], now: datetime) -> tuple[Process, ...]:
        found = self._services.processes()
        if any(each.exit == CROWDED for each in found):
            found = tuple(_with_ports(each, built) for each in found)
        return tuple(self._examined(process, built, now) for process in found)

    def _examined(self, process: Process, built: Mapping[ReleaseId, Release], now: datetime) -> Process:
        release = built.get(process.release)
        return self._prober.examine(process, release.spec, now) if release else process


def _with_ports(process: Process, built: Mapping[ReleaseId, Release]) -> Process:
    release = built.get(process.release)
    if process.pid is None or release is None:
        return process
    return replace(process, opens=proc.ports_of(process.pid) - {release.spec.service.port})
