"""What may go from the disk."""

from __future__ import annotations

from .names import ReleaseId
from .observed import Observed
from .release import Release
from .steps import Prune


def prune(target: Release, observed: Observed, *, spared: Release | None = None) -> tuple[Prune, ...]:
    """One step that clears everything no longer wanted, or none. `spared` waits for its turn: it stays, and so do its environment and its models."""
    keep = _kept(target, observed, spared)
    releases = frozenset(observed.releases).union(observed.remains) - keep
    wanted = {observed.releases[release].venv for release in keep if release in observed.releases}
    venvs = (observed.venvs | observed.partial) - wanted - ({spared.venv} if spared else set())
    models = (observed.models | observed.partial_models).difference(
        *(observed.releases[release].models for release in keep if release in observed.releases),
        spared.models if spared else (),
    )
    if not releases and not venvs and not models:
        return ()
    return (Prune(releases, venvs, models, f"the last {target.spec.rollout.rollback.keep} good releases stay"),)


def _kept(target: Release, observed: Observed, spared: Release | None) -> frozenset[ReleaseId]:
    good = [release for release in observed.good if release in observed.releases]
    recent = good[-target.spec.rollout.rollback.keep :]
    running = [process.release for process in observed.processes]
    pointed = [release for release in (observed.current, observed.confirmed, spared and spared.id) if release]
    return frozenset([*recent, *running, *pointed, target.id])
