"""Which release is to run now: the declared one, or the last confirmed one while that cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..errors import Reason
from ..names import short
from ..observed import Observed
from ..release import Release
from ..steps import Reject, Retire
from ._build import build, is_served, without_stray
from ._failed import failure_of, hold, is_spent, wait
from ._pin import pinned
from ._plan import NOW, SOON, Plan, meanwhile
from ._serve import serve
from ._trial import end_trial


def plan(desired: Release, observed: Observed, now: datetime) -> Plan:
    """Decide the next steps from what is declared and what is true."""
    if observed.stopped:
        return without_stray(hold(_stop(observed), desired, observed, now), None, observed)
    if pause := _pause(desired, observed, now):
        return pause
    if asked := pinned(desired, observed, now):
        return asked
    if ending := end_trial(desired, observed, now):
        return ending
    fallback = _fallback(desired, observed)
    wanted = None if fallback and desired.id in observed.rejected else desired
    return without_stray(_declared(desired, fallback, observed, now), wanted, observed)


def _declared(desired: Release, fallback: Release | None, observed: Observed, now: datetime) -> Plan:
    if fallback is None:
        return hold(_pursue(desired, None, observed, now), desired, observed, now)
    if desired.id in observed.rejected:
        return _after_rejection(desired, fallback, observed, now)
    wanted = _pursue(desired, fallback, observed, now)
    if observed.process_of(desired.id):
        return hold(wanted, desired, observed, now)
    waiting = wait(wanted, desired, observed, now)
    return _meanwhile(waiting, desired, fallback, observed, now) if waiting else wanted


def _stop(observed: Observed) -> Plan:
    steps = tuple(Retire(process.release, "stopped on this VM") for process in observed.processes)
    return Plan(
        steps=steps,
        reason=Reason.STOPPED,
        message="stopped on this VM; `gitops-vm start` starts it",
        look_again=SOON if steps else None,
    )


def _pause(desired: Release, observed: Observed, now: datetime) -> Plan | None:
    """Suspended, by the file in git or by somebody on this VM: nothing is applied and nothing is healed."""
    declared = desired.spec.suspend
    if declared and (declared.until is None or now < declared.until):
        who = f"by desired-state.yaml{_until(declared.until)}"
        return _suspended(who, declared.reason, declared.until, now)
    paused = observed.paused
    if paused and paused.holds(now):
        who = f"on this VM by {paused.by}{_until(paused.until)}"
        return _suspended(who, paused.reason, paused.until, now, "; `gitops-vm resume` ends it")
    return None


def _until(end: datetime | None) -> str:
    return f" until {end.isoformat()}" if end else ""


def _suspended(who: str, reason: str, end: datetime | None, now: datetime, remedy: str = "") -> Plan:
    message = f"suspended {who}: {reason or 'no reason given'}{remedy}"
    return Plan(reason=Reason.SUSPENDED, message=message, look_again=end - now if end else None)


def _fallback(desired: Release, observed: Observed) -> Release | None:
    """The release to go back to: the last confirmed one, if it is another one, whole, and going back is allowed."""
    confirmed = observed.confirmed
    if confirmed is None or confirmed == desired.id or not desired.spec.rollout.rollback.enabled:
        return None
    return observed.releases.get(confirmed)


def _after_rejection(desired: Release, fallback: Release, observed: Observed, now: datetime) -> Plan:
    tended = serve(fallback, None, observed, now)
    if tended.reason is Reason.RECONCILIATION_SUCCEEDED:
        rejection = observed.rejected[desired.id]
        message = f"{rejection.message} at {short(desired.revision)}; {short(fallback.revision)} is running"
        tended = replace(tended, reason=Reason.REVISION_REJECTED, message=message)
    return hold(tended, desired, observed, now)


def _pursue(desired: Release, fallback: Release | None, observed: Observed, now: datetime) -> Plan:
    """The way to the declared release, as if no step of it had failed lately."""
    failure = failure_of(desired, observed)
    if failure and fallback and is_spent(failure, desired, observed):
        return Plan(
            steps=(Reject(desired, failure.reason, failure.message),),
            reason=failure.reason,
            message=failure.message,
            target=fallback,
            look_again=NOW,
        )
    if desired.id in observed.releases:
        return serve(desired, fallback, observed, now)
    if fallback and failure is None and not is_served(observed, now):
        back = serve(fallback, None, observed, now)
        if back.steps:
            return back
    return build(desired, observed, now)


def _meanwhile(waiting: Plan, desired: Release, fallback: Release, observed: Observed, now: datetime) -> Plan:
    """The declared release waits for its next try and does not run: the last confirmed one is looked after."""
    tended = hold(serve(fallback, None, observed, now, spared=desired), desired, observed, now)
    if tended.steps:
        return meanwhile(waiting, tended)
    soon = min(each.look_again for each in (waiting, tended) if each.look_again is not None)
    return replace(waiting, target=fallback, look_again=soon)
