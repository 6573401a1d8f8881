"""The trial of a release that has the traffic, when another one is declared."""

from __future__ import annotations

from datetime import datetime

from ..errors import Reason
from ..health import Health, judge
from ..names import short
from ..observed import Observed, Standing
from ..release import Release
from ..steps import Confirm
from ._plan import NOW, Plan


def end_trial(desired: Release, observed: Observed, now: datetime) -> Plan | None:
    """One that is well so far is confirmed before anything is done for the next: it is what people use, and to go back to."""
    current = observed.current
    release, process = (observed.releases.get(current), observed.process_of(current)) if current else (None, None)
    if release is None or process is None or release.id in (desired.id, *observed.rejected):
        return None
    if observed.standing(release.id) is not Standing.ON_TRIAL:
        return None
    verdict = judge(process, release.spec, now, Standing.ON_TRIAL)
    if verdict.health is not Health.READY:
        return None
    because = f"{verdict.message} when {short(desired.revision)} was declared"
    message = f"{short(release.revision)} is running; {short(desired.revision)} is next"
    return Plan(steps=(Confirm(release, because),), reason=Reason.PROGRESSING, message=message, look_again=NOW)
