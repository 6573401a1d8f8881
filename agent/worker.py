"""The short-lived worker: passes until the VM has settled, then it ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from time import monotonic

from .errors import Reason
from .host import Host
from .reconcile import PATIENCE, next_look, reconcile
from .report import Report

BREATH = timedelta(seconds=1)
"""Between two passes where the last one failed or did nothing: a plan that cannot be carried out is no tight loop."""

SHIFT = timedelta(minutes=5)
"""A worker that has been at it for this long ends; the daemon starts a fresh one."""

Turn = Callable[[], AbstractContextManager[Host]]
"""The VM for one pass. Between two passes it is somebody else's turn: what a person asks for waits for no pause."""


def work(turn: Turn, *, sleep: Callable[[float], None], tell: Callable[[Report], None]) -> timedelta | None:
    """Passes until nothing is left to do soon. Returns how long until the next pass is wanted, None for the usual."""
    end = monotonic() + SHIFT.total_seconds()
    while True:
        with turn() as host:
            report = reconcile(host)
            pause = next_look(report, at=host.now())
        tell(report)
        if pause is None or pause > PATIENCE or _is_at_rest(report) or monotonic() > end:
            return pause
        moved = report.done and not report.failure
        sleep((pause if moved else max(pause, BREATH)).total_seconds())


def _is_at_rest(report: Report) -> bool:
    """All is well and only watched (a release on trial): meanwhile the daemon listens for the next push."""
    plan = report.plan
    return plan is not None and plan.reason is Reason.RECONCILIATION_SUCCEEDED and not plan.steps
