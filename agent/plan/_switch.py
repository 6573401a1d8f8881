"""Which processes may stay beside the one that is to run, and how the traffic goes from one to the other."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..desired import Strategy
from ..names import ReleaseId, short
from ..observed import CROWDED, Observed, Phase, Process
from ..release import Release
from ..steps import NOTHING_RAN, HandOver, Manner, Promote, Retire, Step, Way
from ._plan import NOW

WAS_STOPPED = Manner(Way.RESTART, "what ran was stopped for it before the agent was cut off")
_SPARE = 1.2  # a second copy needs what the first one has, and a little more


def give_way(target: Release, observed: Observed, because: str) -> tuple[Step, ...]:
    """What else has to stop before the target is started."""
    staying = frozenset[ReleaseId]() if cannot_stay(target, observed) else _staying(target, observed, serves=False)
    extra = (each for each in observed.processes if each.release not in (target.id, *staying))
    return tuple(Retire(each.release, because, interrupts=not staying and answers(each)) for each in extra)


def manner(target: Release, observed: Observed) -> Manner:
    """How the target is to take the place of what runs beside it, and why so."""
    others = [each.release for each in observed.processes if each.release != target.id]
    if not others:
        return WAS_STOPPED if _is_interrupted(observed) else NOTHING_RAN
    if not any(shares_port(target, other, observed) for other in others):
        return Manner(Way.RESTART, _why_apart(target, others, observed))
    why = cannot_stay(target, observed)
    return Manner(Way.RESTART, why) if why else Manner(Way.HANDOVER, _why_beside(target, observed))


def _is_interrupted(observed: Observed) -> bool:
    """What answered was stopped for a start that was not made since."""
    stopped, last = observed.interrupted, observed.last_start
    return stopped is not None and (last is None or last.at < stopped)


def _why_apart(target: Release, others: list[ReleaseId], observed: Observed) -> str:
    service = target.spec.service
    if target.spec.launched is None:
        takes = "takes the held socket itself (rollout.strategy: handover would hand it over)"
        return f"a program that {takes if service.socket_activation else 'opens its port itself'}"
    specs = [observed.releases[other].spec for other in others if other in observed.releases]
    if any(spec.launched for spec in specs):
        return f"what runs listens elsewhere than at {service.host}:{service.port}"
    return "what runs does not share its socket"


def _why_beside(target: Release, observed: Observed) -> str:
    if target.spec.rollout.strategy is Strategy.HANDOVER:
        return "rollout.strategy: handover"
    fits = f", and two copies fit: {_sizes(target, observed)}" if observed.free_memory is not None else ""
    return f"both take their visitors from the held socket{fits}"


def retire_others(target: Release, observed: Observed) -> tuple[Step, ...]:
    """Of what runs beside the target: all but what serves until the target does, and what is kept warm while it is on trial."""
    process = observed.process_of(target.id)
    serves = process is not None and bool(process.accepts) and is_well(process)
    staying = _staying(target, observed, serves=serves)
    extra = (each for each in observed.processes if each.release not in (target.id, *staying))
    return tuple(Retire(each.release, f"only {short(target.revision)} is to run") for each in extra)


def take_traffic(target: Release, observed: Observed) -> tuple[Step, ...]:
    """What a reboot starts is written down first: whenever the agent dies, one of the two accepts or will."""
    promote = (Promote(target.id, "its own process answers"),) if observed.current != target.id else ()
    return (*promote, *_hand_over(target, observed))


def soaked(target: Release, observed: Observed, now: datetime) -> timedelta:
    """How long the target is still on trial. A clock that was set back ends the trial rather than never."""
    soak = target.spec.rollout.soak
    if observed.confirmed == target.id:
        return NOW
    if observed.current != target.id or observed.promoted is None:
        return soak
    age = now - observed.promoted
    return NOW if age < NOW else max(NOW, soak - age)


def cannot_stay(target: Release, observed: Observed) -> str:
    """Why nothing can run beside the target, for people to read; empty where it can."""
    rollout = target.spec.rollout
    if rollout.strategy is Strategy.RESTART:
        return "rollout.strategy: restart"
    needed, free = _memory(target, observed), observed.free_memory
    if rollout.strategy is Strategy.AUTO and free is not None and needed * _SPARE > free:
        return f"two copies do not fit: {_sizes(target, observed)}"
    return ""


def _sizes(target: Release, observed: Observed) -> str:
    needed, free = _memory(target, observed) * _SPARE, observed.free_memory or 0
    return f"{needed / 2**20:.0f} MiB needed, {free / 2**20:.0f} MiB free"


def crowded_out_by(target: Release, process: Process, observed: Observed) -> frozenset[int]:
    """Ports that others of ours have, one of which it wanted when it ended: alone it may well run. Empty where that is not so."""
    ended = process.exit == CROWDED and process.phase in (Phase.ACTIVATING, Phase.FAILED)
    if not ended or target.spec.rollout.strategy is not Strategy.AUTO:
        return frozenset()
    beside = (each for each in observed.processes if shares_port(target, each.release, observed))
    return frozenset().union(*(each.opens for each in beside if each is not process))


def shares_port(target: Release, other: ReleaseId, observed: Observed) -> bool:
    """Whether both take their connections from the same held socket."""
    release = observed.releases.get(other)
    if release is None or target.spec.launched is None or release.spec.launched is None:
        return False
    ours, theirs = target.spec.service, release.spec.service
    return (ours.host, ours.port) == (theirs.host, theirs.port)


def _staying(target: Release, observed: Observed, *, serves: bool) -> frozenset[ReleaseId]:
    """Until the target has the traffic: what answers, what a reboot starts, and the one to go back to; then only the last.

    One that accepts and does not answer well is no help: behind the held socket visitors wait, and fail with it.
    """
    kept = {observed.confirmed}
    if not serves:
        answering = (each.release for each in observed.processes if each.accepts and is_well(each))
        kept |= {observed.current, *answering}
    return frozenset(each for each in kept if each and each != target.id and shares_port(target, each, observed))


def answers(process: Process) -> bool:
    """Its visitors, well: one that is kept warm has none."""
    return is_well(process) and process.accepts is not False


def is_well(process: Process) -> bool:
    """Its last answer to the readiness probe was good."""
    return process.readiness is not None and process.readiness.ok


def _hand_over(target: Release, observed: Observed) -> tuple[Step, ...]:
    process = observed.process_of(target.id)
    if target.spec.launched is None or process is None:
        return ()
    others = [
        each for each in observed.processes if each.release != target.id and shares_port(target, each.release, observed)
    ]
    if process.accepts and not any(each.accepts for each in others):
        return ()
    names = frozenset(each.release for each in others)
    return (HandOver(target, names, "it is ready"),)


def _memory(target: Release, observed: Observed) -> int:
    """Bytes that the target is taken to need: what one of its kind has now or had once; of a kind that never ran here,
    what the largest one that stays has.
    """
    staying = _staying(target, observed, serves=False)
    beside = [each for each in observed.processes if each.release in staying]
    alike = [each.memory or 0 for each in beside if observed.releases[each.release].kind == target.kind]
    return max([*alike, observed.sizes.get(target.kind, 0)]) or max((each.memory or 0 for each in beside), default=0)
