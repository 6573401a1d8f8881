"""Passes that somebody waits for: made here and now, with their progress on the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import AgentError, Broken, Reason
from ..host.vm import VM
from ..observed import BuildState, Observed
from ..plan import plan as decide
from ..reconcile import describe
from ..release import Release
from ..report import Report
from ..worker import SHIFT, work
from .turns import Turns, lasting

if TYPE_CHECKING:
    from .verbs import Call

_GOOD = frozenset({Reason.RECONCILIATION_SUCCEEDED, Reason.PINNED})
_HELD = frozenset({Reason.SUSPENDED, Reason.STOPPED})


def settle(call: Call, *, now: bool = False, before: Callable[[VM], None] | None = None, runs: bool = False) -> int:
    """Passes with progress on the terminal, also while something is being built.

    0 when what is declared or asked for runs (or is held, unless it `runs` has to), else 1. `before` is done once it is our turn: where
    no agent is installed, or another pass does not end, nothing is left behind.
    """
    last: list[Report] = []

    def tell(report: Report) -> None:
        last[:] = [report]
        for step in () if call.as_json else report.done:
            call.terminal.line(f"  {describe(step)}")
        if report.plan and is_building(report):
            call.terminal.complain(report.plan.message)

    def first(host: VM) -> None:
        if before:
            before(host)
        if now:
            host.wishes.now()

    turns = Turns(call, lasting(call.terminal.complain), polled=False, first=first)
    try:
        pause = work(turns, sleep=turns.rest, tell=tell)
        while is_building(last[0]):
            turns.rest((pause or SHIFT).total_seconds())
            pause = work(turns, sleep=turns.rest, tell=tell)
    except KeyboardInterrupt:
        turns.give_up()
        raise
    source = last[0].invalid or last[0].fetched.error
    if before and source:  # that the newest is not known does not undo what was asked for
        call.terminal.complain(str(source))
    return _conclude(call, last[0], last[0].failure or (None if before else source), _GOOD if runs else _GOOD | _HELD)


def refuse_where_held(host: VM, observed: Observed, desired: Release | None) -> None:
    """Raises Broken where the plan would leave stopped what is stopped."""
    todo = decide(desired, observed, host.now()) if desired else None
    if todo and todo.reason in {Reason.SUSPENDED, Reason.STOPPED}:
        here = observed.stopped or (observed.paused and observed.paused.holds(host.now()))
        hint = "" if here else "take `suspend` out of it and push"
        raise Broken(todo.reason, f"nothing was done: {todo.message}", hint=hint)


def is_building(report: Report) -> bool:
    """Whether something is being made that this pass waits for."""
    building, plan = report.observed.building, report.plan
    if building is None or plan is None or plan.reason in _HELD:
        return False
    return building.state is BuildState.RUNNING


def _conclude(call: Call, report: Report, error: AgentError | None, good: frozenset[Reason]) -> int:
    reason = error.reason if error else report.plan.reason if report.plan else Reason.INVALID_SPEC
    message = str(error) if error else report.plan.message if report.plan else "nothing is declared"
    well = error is None and reason in good
    if call.as_json:
        call.terminal.json({"reason": reason, "message": message, "steps": [describe(step) for step in report.done]})
    else:
        call.terminal.line(f"{call.terminal.paint(reason, 'green' if well else 'red')}  {message}")
    return 0 if well else 1
