"""How a program behaves once it is started."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from math import inf

from agent.desired import Probe
from agent.observed import ProbeResult


class End(Enum):
    """What the service manager makes of a process that ends by itself."""

    RESTARTED = auto()
    FAILED = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Seconds from its start to each event; `inf`: never."""

    starts: float = 2  # answers the start-up probe, and says READY=1 if it speaks sd_notify
    ready: float = 3
    unready: float = inf  # answers 500 to the readiness probe again
    deaf: float = inf  # answers nothing any more
    ends: float = inf
    end: End = End.RESTARTED
    crowds: bool = False  # it opens a port of its own: one that is started beside another ends at once

    def is_started(self, age: float) -> bool:
        return age >= self.starts

    def is_ready(self, age: float) -> bool:
        return self.ready <= age < self.unready and age < self.deaf

    def startup(self, age: float, probe: Probe, now: datetime) -> ProbeResult:
        """Asked until it has started."""
        return _answer(None, probe, now, age)

    def readiness(self, age: float, probe: Probe, now: datetime) -> ProbeResult:
        if self.is_ready(age):
            return _answer(200, probe, now)
        began = self.starts if age < self.ready else min(self.unready, self.deaf)
        return _answer(None if age >= self.deaf else 500, probe, now, age - began)

    def liveness(self, age: float, probe: Probe, now: datetime) -> ProbeResult:
        return _answer(200, probe, now) if age < self.deaf else _answer(None, probe, now, age - self.deaf)


def _answer(code: int | None, probe: Probe, now: datetime, lasting: float = 0) -> ProbeResult:
    ok = code == 200
    return ProbeResult(
        ok=ok,
        url="http://127.0.0.1:8010/",
        code=code,
        message=f"GET / answered {code}" if code else "GET / gave no answer within 3 s",
        latency=timedelta(milliseconds=4),
        at=now,
        failures=0 if ok else 1 + int(lasting / probe.period.total_seconds()),
        since=None if ok else now - timedelta(seconds=lasting),
    )


FIT = Program()
SLOW = Program(starts=40, ready=45)
HANGS = Program(starts=inf, ready=inf)
NEVER_READY = Program(ready=inf)
CROWDS = Program(crowds=True)
CRASHES = Program(starts=inf, ready=inf, ends=0.5)
DIES = Program(ends=20)
ENDS = Program(ends=20, end=End.FAILED)
ENDS_AT_ONCE = Program(starts=inf, ready=inf, ends=0.5, end=End.FAILED)
LEAVES = Program(ends=20, end=End.GONE)
VANISHES = Program(starts=inf, ready=inf, ends=0.1, end=End.GONE)
FALLS_DEAF = Program(deaf=60)
FALLS_ILL = Program(unready=60)
UNFIT_FROM_THE_START = {
    "hangs": HANGS,
    "never ready": NEVER_READY,
    "crashes": CRASHES,
    "ends at once": ENDS_AT_ONCE,
    "vanishes": VANISHES,
}
ILL_LATER = {"dies": DIES, "ends": ENDS, "leaves": LEAVES, "falls deaf": FALLS_DEAF, "falls ill": FALLS_ILL}
