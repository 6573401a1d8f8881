"""The verdict on a process: from what was observed of it and what its release declares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .desired import Spec
from .errors import Reason
from .observed import Phase, ProbeResult, Process, Standing


class Health(StrEnum):
    STARTING = "Starting"
    READY = "Healthy"
    UNREADY = "Unready"  # alive, but not fit to be given requests
    UNFIT = "Unhealthy"  # only a restart or another release can help


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    health: Health
    message: str
    reason: Reason = Reason.HEALTH_CHECK_FAILED


def judge(process: Process, spec: Spec, now: datetime, standing: Standing) -> Verdict:
    """How the process is. Until it is proven one unexpected exit is enough to call it unfit; while it is new

    one bad answer is enough to keep the traffic from it, afterwards the probe's threshold counts.
    """
    if process.phase is Phase.FAILED or (process.restarts and standing is not Standing.PROVEN):
        return Verdict(health=Health.UNFIT, message=f"the process {_end(process)}", reason=Reason.PROCESS_EXITED)
    if process.phase is Phase.DEACTIVATING:
        return Verdict(health=Health.UNREADY, message="the process is being stopped")
    if process.phase is Phase.ACTIVATING or not process.started:
        return _starting(process, spec, now)
    live = process.liveness
    if live and live.failures >= spec.service.liveness_probe.failure_threshold:
        return Verdict(health=Health.UNFIT, message=f"liveness: {live.message}, {live.failures} times in a row")
    return _readiness(process.readiness, spec, patient=standing is not Standing.NEW)


def _readiness(answer: ProbeResult | None, spec: Spec, *, patient: bool) -> Verdict:
    if answer is None:
        message = "waiting for the first answer of the readiness probe"
        return Verdict(health=Health.STARTING, message=message, reason=Reason.PROGRESSING)
    if answer.ok:
        return Verdict(health=Health.READY, message=answer.message, reason=Reason.SUCCEEDED)
    if patient and answer.failures < spec.service.readiness_probe.failure_threshold:
        message = f"{answer.message} ({answer.failures} in a row is not yet a failure)"
        return Verdict(health=Health.READY, message=message, reason=Reason.SUCCEEDED)
    return Verdict(health=Health.UNREADY, message=f"readiness: {answer.message}")


def _starting(process: Process, spec: Spec, now: datetime) -> Verdict:
    """Within the start-up probe's budget. A process that ended before says so: the service manager starts it again."""
    probe = spec.service.startup_probe
    budget = probe.period * probe.failure_threshold
    answer = process.readiness.message if process.readiness else "no answer yet"
    if now - process.since >= budget and process.pid is not None:
        return Verdict(health=Health.UNFIT, message=f"not started within {budget.total_seconds():g} s: {answer}")
    if process.restarts:
        message = f"the process {_end(process)}, start {process.restarts + 1}: {answer}"
        return Verdict(health=Health.STARTING, message=message, reason=Reason.PROCESS_EXITED)
    return Verdict(health=Health.STARTING, message=f"starting: {answer}", reason=Reason.PROGRESSING)


def _end(process: Process) -> str:
    how = process.exit or "ended"
    return f'{how}; it said "{process.said}"' if process.said else how
