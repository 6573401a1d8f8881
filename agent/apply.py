"""One step, done. No decisions here."""

from __future__ import annotations

from typing import assert_never

from .host import Host
from .steps import Abandon, Build, Confirm, HandOver, InstallUnits, Prepare, Promote, Prune, Reject, Retire, Start, Step


def apply(step: Step, host: Host) -> None:  # noqa: C901 - a line for each verb
    """One step is one call of the host. Raises AgentError as the host does."""
    match step:
        case Prepare(release):
            host.prepare(release)
        case Abandon():
            host.abandon()
        case Build(release):
            host.build(release)
        case InstallUnits(release):
            host.install_units(release)
        case Start(release):
            host.start(release)
        case Retire(release_id, _, interrupts):
            host.retire(release_id, interrupts=interrupts)
        case Promote(release_id):
            host.promote(release_id)
        case HandOver(release, others):
            host.hand_over(release.id, others)
        case Confirm(release):
            host.confirm(release)
        case Reject(release, reason, because):
            host.reject(release, reason, because)
        case Prune(releases, venvs, models):
            host.prune(releases, venvs, models)
        case unreachable:
            assert_never(unreachable)
