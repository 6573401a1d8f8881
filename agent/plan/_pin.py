"""Somebody on this VM wants another release than the declared one, until the next push."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..errors import Reason
from ..names import short
from ..observed import Observed, Pin
from ..release import Release
from ._build import without_stray
from ._failed import hold
from ._plan import Plan
from ._serve import serve


def pinned(desired: Release, observed: Observed, now: datetime) -> Plan | None:
    """The plan for the release somebody asked for; None where nobody did, or where it cannot be or did not work."""
    pin = observed.pinned
    target = observed.releases.get(pin.release) if pin else None
    if pin is None or target is None or target.id == desired.id or target.id in observed.rejected:
        return None
    tended = serve(target, _before(target, observed), observed, now, spared=desired)
    if tended.reason is Reason.RECONCILIATION_SUCCEEDED:
        tended = replace(tended, reason=Reason.PINNED, message=_told(pin, target))
    return without_stray(hold(tended, desired, observed, now), None, observed)


def _before(target: Release, observed: Observed) -> Release | None:
    """What returns if it does not work: the release that was confirmed when somebody asked."""
    confirmed = observed.confirmed
    return observed.releases.get(confirmed) if confirmed and confirmed != target.id else None


def _told(pin: Pin, target: Release) -> str:
    what = f"{short(target.revision)} runs until the next push"
    return f"rolled back on this VM by {pin.by}: {what}; `gitops-vm resume` ends it"
