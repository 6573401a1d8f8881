"""What a failed step means: wait for its turn, or give the release up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..backoff import remaining
from ..observed import Cure, Failure, Observed
from ..release import Release
from ..steps import Start, Step
from ._plan import NOW, Plan


def tag(step: Step, target: Release | None, desired: Release) -> str:
    """How the failure of a step is written down: a step for the fallback is another one than the same for the declared."""
    kind = type(step).__name__
    return kind if target in (None, desired) else f"{kind} {target.id}"


def failure_of(desired: Release, observed: Observed) -> Failure | None:
    """The last failure on the way to this release, also of a step that was for its fallback."""
    failure = observed.failure
    return failure if failure and failure.release == desired.id else None


def is_spent(failure: Failure, desired: Release, observed: Observed) -> bool:
    """Whether to give the release up. One that runs is judged by its health alone.

    A start that fails interrupts the release that serves: whoever could cure it, it is tried so often and no more.
    """
    if _is_of_fallback(failure) or observed.process_of(desired.id):
        return False
    often = failure.count > desired.spec.rollout.retry.limit
    return failure.cure is Cure.PUSH or (often and (failure.cure is Cure.TIME or failure.step == Start.__name__))


def hold(todo: Plan, desired: Release, observed: Observed, now: datetime) -> Plan:
    """The plan, without its steps while the turn of one that failed has not come. Other steps are not held up by it."""
    failure = failure_of(desired, observed)
    if failure is None or failure.step not in {tag(step, todo.target, desired) for step in todo.steps}:
        return todo
    return _put_off(todo, failure, desired, now) or todo


def wait(wanted: Plan, desired: Release, observed: Observed, now: datetime) -> Plan | None:
    """How the way to the declared release waits; None when it may go on. A failure of the fallback makes it wait as well:

    where steps of both fail, each would otherwise make the agent forget the pause of the other.
    """
    failure = failure_of(desired, observed)
    if failure and _is_of_fallback(failure):
        return _put_off(wanted, failure, desired, now)
    held = hold(wanted, desired, observed, now)
    return None if held is wanted else held


def _is_of_fallback(failure: Failure) -> bool:
    return " " in failure.step


def _put_off(todo: Plan, failure: Failure, desired: Release, now: datetime) -> Plan | None:
    left = remaining(failure.at, failure.count, desired.spec.rollout.retry.backoff, now)
    if left <= NOW:
        return None
    return replace(todo, steps=(), reason=failure.reason, message=failure.message, look_again=left)
