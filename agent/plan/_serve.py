"""Have one release run: alone, healthy, and what a reboot starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ..backoff import remaining
from ..errors import Reason
from ..health import Health, Verdict, judge
from ..names import short
from ..observed import Observed, Phase, Process, Standing
from ..release import Release
from ..retention import prune
from ..steps import Confirm, InstallUnits, Manner, Promote, Reject, Retire, Start, Step, Way
from ._plan import NOW, SOON, Plan
from ._switch import answers, crowded_out_by, give_way, is_well, manner, retire_others, soaked, take_traffic


def serve(
    target: Release, fallback: Release | None, observed: Observed, now: datetime, *, spared: Release | None = None
) -> Plan:
    """`fallback` is where to go if the target proves unfit; None: heal it. `spared` is still wanted on the disk."""
    process = observed.process_of(target.id)
    if process is None:
        return _launch(target, fallback, observed, now)
    if ports := crowded_out_by(target, process, observed):
        return _start_alone(target, ports, observed, now)
    standing = _standing(target, observed)
    verdict = _verdict(process, target, standing, now)
    match verdict.health:
        case Health.READY if is_well(process):
            return _settle(target, verdict, observed, now, spared)
        case Health.READY:
            return _wait(target, observed, Reason.RECONCILIATION_SUCCEEDED, verdict)
        case Health.UNFIT:
            reject = _reject(target, fallback, verdict.reason, verdict.message, observed) if fallback else None
            return reject or _heal(target, verdict, observed, now)
        case Health.STARTING | Health.UNREADY:
            return _wait(
                target, observed, verdict.reason if standing is Standing.PROVEN else Reason.PROGRESSING, verdict
            )


def _standing(target: Release, observed: Observed) -> Standing:
    """One that comes back proves itself once more before it has the traffic."""
    standing = observed.standing(target.id)
    return Standing.NEW if standing is Standing.PROVEN and observed.current != target.id else standing


def _verdict(process: Process, target: Release, standing: Standing, now: datetime) -> Verdict:
    """One that has to prove itself has a deadline for it; one that has been given the traffic and falls ill has failed."""
    verdict = judge(process, target.spec, now, standing)
    if standing is Standing.PROVEN or verdict.health is Health.READY:
        return verdict
    if standing is Standing.ON_TRIAL and verdict.health is Health.UNREADY and process.phase is not Phase.DEACTIVATING:
        return replace(verdict, health=Health.UNFIT)
    return _deadline(verdict, process, target, now)


def _launch(target: Release, fallback: Release | None, observed: Observed, now: datetime) -> Plan:
    """Start it, once its turn has come. What cannot run beside it gives way: two processes cannot open one port."""
    if fallback and _starts(target, observed) > target.spec.rollout.retry.limit:
        often = f"started {_starts(target, observed)} times and gone each time before it answered"
        return _reject(target, fallback, Reason.PROCESS_EXITED, often, observed)
    left = _left(target, observed, now)
    if left > NOW:
        message = f"{short(target.revision)} is down; started again in {left.total_seconds():.0f} s"
        return Plan(reason=Reason.SERVICE_DOWN, message=message, target=target, look_again=left)
    was_down = observed.confirmed == target.id and not observed.processes
    because = "the service is down" if was_down else f"{short(target.revision)} is to run and does not"
    how = manner(target, observed)
    back = (Promote(target.id, "it proved healthy before"),) if _is_known_good(target, observed) else ()
    steps = (
        *_units(target, observed),
        *back,
        *give_way(target, observed, f"gives way to {short(target.revision)}"),
        _start(target, because, how),
    )
    return Plan(
        steps=steps,
        reason=Reason.PROGRESSING,
        message=f"starting {short(target.revision)}{_meanwhile(target, how)}",
        target=target,
        look_again=NOW,
    )


def _is_known_good(target: Release, observed: Observed) -> bool:
    """It is what a reboot, or a visitor at the held socket, is to start: not the one that it takes the place of."""
    return observed.confirmed == target.id and observed.current not in (None, target.id)


def _start(target: Release, because: str, how: Manner) -> Start:
    return Start(target, because if how.way is Way.START else f"{because}; {how}", how)


def _meanwhile(target: Release, how: Manner) -> str:
    """What becomes of the visitors while it starts."""
    if how.way is Way.START:
        return ""
    if how.way is Way.HANDOVER:
        return f" beside what runs ({how.why})"
    return f": {'visitors wait' if target.spec.service.holds_socket else 'nobody answers'} meanwhile ({how.why})"


def _starts(target: Release, observed: Observed) -> int:
    """How often in a row it was started without having proved healthy."""
    last = observed.last_start
    return last.count if last and last.release == target.id else 0


def _left(target: Release, observed: Observed, now: datetime) -> timedelta:
    """How long until this release may be started (again)."""
    last = observed.last_start
    if last is None or last.release != target.id:
        return NOW
    return remaining(last.at, last.count, target.spec.sync.self_heal.backoff, now)


def _units(target: Release, observed: Observed) -> tuple[Step, ...]:
    if target.id in observed.installed:
        return ()
    return (InstallUnits(target, "the unit files are not what this release needs"),)


def _deadline(verdict: Verdict, process: Process, target: Release, now: datetime) -> Verdict:
    """A rollout ends at `rollout.timeout`, whatever the start-up probe would still allow. Being stopped is no illness.

    It counts from the start of the process that runs: a reboot may have come between, and it has its time again.
    """
    timeout = target.spec.rollout.timeout
    if verdict.health is Health.UNFIT or process.phase is Phase.DEACTIVATING or now - process.since < timeout:
        return verdict
    message = f"not healthy within rollout.timeout ({timeout.total_seconds():g} s): {verdict.message}"
    return Verdict(health=Health.UNFIT, message=message)


def _settle(target: Release, verdict: Verdict, observed: Observed, now: datetime, spared: Release | None) -> Plan:
    """It answers: give it what follows from that, and clear up when nothing else is left to do."""
    left = soaked(target, observed, now)
    confirm = (Confirm(target, verdict.message),) if observed.confirmed != target.id and left <= NOW else ()
    switch = (*_units(target, observed), *take_traffic(target, observed), *retire_others(target, observed), *confirm)
    trial = f"; on trial for another {left.total_seconds():.0f} s" if left > NOW else ""
    steps = switch or prune(target, observed, spared=spared) or _past(target, observed, spared)
    return Plan(
        steps=steps,
        reason=Reason.RECONCILIATION_SUCCEEDED,
        message=f"{short(target.revision)} is running: {verdict.message}{trial}",
        target=target,
        look_again=SOON if steps else _next_look(target, left),
    )


def _next_look(target: Release, left: timedelta) -> timedelta | None:
    """One on trial is asked as often as it says itself."""
    return min(left, target.spec.service.readiness_probe.period) if left > NOW else None


def _past(target: Release, observed: Observed, spared: Release | None) -> tuple[Step, ...]:
    """Every step has succeeded since: the failure is forgotten. Sooner, and its pauses would never grow."""
    failure = observed.failure
    if failure is None or (spared and failure.release == spared.id):
        return ()
    return (Confirm(target, f"{failure.step} is no longer in question"),)


def _reject(target: Release, fallback: Release, reason: Reason, why: str, observed: Observed) -> Plan:
    """Where it had the traffic already, the one that was kept warm takes over before it is stopped."""
    warm, had = observed.process_of(fallback.id), observed.current == target.id
    back = take_traffic(fallback, observed) if had and warm and is_well(warm) else ()
    return Plan(
        steps=(Reject(target, reason, why), *back, Retire(target.id, f"rejected: {why}")),
        reason=reason,
        message=f"{why} at {short(target.revision)}; going back to {short(fallback.revision)}",
        target=fallback,
        look_again=NOW,
    )


def _heal(target: Release, verdict: Verdict, observed: Observed, now: datetime) -> Plan:
    """Nothing to go back to, or nothing better: restart it, once a cool-down at most."""
    if observed.confirmed == target.id and not target.spec.sync.self_heal.enabled:
        return _wait(target, observed, verdict.reason, verdict)
    left = _left(target, observed, now)
    if left > NOW:
        return Plan(reason=verdict.reason, message=verdict.message, target=target, look_again=left)
    because = f"restart: {verdict.message}"
    way = (Retire(target.id, because), *give_way(target, observed, because))
    return Plan(
        steps=(*_units(target, observed), *way, Start(target, because)),
        reason=verdict.reason,
        message=verdict.message,
        target=target,
        look_again=NOW,
    )


def _start_alone(target: Release, ports: frozenset[int], observed: Observed, now: datetime) -> Plan:
    """Nothing is wrong with it, but what runs has to end first: visitors wait at the held socket until it is up."""
    because = f"only one can have port {', '.join(map(str, sorted(ports)))}"
    left = _left(target, observed, now)
    others = (
        Retire(each.release, because, interrupts=answers(each))
        for each in observed.processes
        if each.release != target.id
    )
    alone = Start(target, f"it starts alone: {because}", Manner(Way.RESTART, because))
    start = (*_units(target, observed), Retire(target.id, because), *others, alone)
    return Plan(
        steps=start if left <= NOW else (),
        reason=Reason.PROGRESSING,
        message=f"{short(target.revision)} could not start beside what runs: {because}; visitors wait while it starts alone",
        target=target,
        look_again=left,
    )


def _wait(target: Release, observed: Observed, reason: Reason, verdict: Verdict) -> Plan:
    """Nothing to do for it but to look again; what else runs beside it is stopped meanwhile."""
    service = target.spec.service
    probe = service.startup_probe if verdict.health is Health.STARTING else service.readiness_probe
    return Plan(
        steps=(*_units(target, observed), *retire_others(target, observed)),
        reason=reason,
        message=f"{short(target.revision)}: {verdict.message}",
        target=target,
        look_again=probe.period,
    )
