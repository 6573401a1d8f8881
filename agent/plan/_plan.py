"""What a decision is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from ..errors import Reason
from ..release import Release
from ..steps import Step

NOW = timedelta(0)

SOON = timedelta(seconds=1)
"""After steps that nobody waits for. If they change nothing (somebody undoes them), they are not repeated at full speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in order, why, and how soon to look again (None: at the usual interval).

    `target` is the release that is to run: the declared one, or the last confirmed one where that cannot be.
    """

    steps: tuple[Step, ...] = ()
    reason: Reason
    message: str
    target: Release | None = None
    look_again: timedelta | None = None


def meanwhile(waiting: Plan, tended: Plan) -> Plan:
    """What is done for the release that stands, while the declared one waits: that it is well is not the story."""
    if tended.reason is not Reason.RECONCILIATION_SUCCEEDED:
        return tended
    return replace(waiting, steps=tended.steps, target=tended.target, look_again=tended.look_again)
