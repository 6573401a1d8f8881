"""`plan`: what a pass would do now, without doing any of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import AgentError, Broken, Reason
from ..host.vm import assemble
from ..names import short
from ..plan import plan as decide
from ..reconcile import declared, describe
from . import FAILED, as_document

if TYPE_CHECKING:
    from .verbs import Call

CHANGES = 2


def plan(call: Call) -> int:
    """0: there is nothing to do; 2: something, or it is under way in a build; 1: nothing, but what is newest is not known or not valid."""
    host = assemble(call.paths, call.environ, alive=lambda _doing: None, polled=False)
    fetched = host.fetch()
    desired, invalid = declared(fetched, host)
    error = invalid or fetched.error
    if desired is None:
        raise error or Broken(Reason.INVALID_SPEC, "nothing is declared here yet")
    observed = host.observe(desired)
    todo = decide(desired, observed, host.now())
    steps = [describe(step) for step in todo.steps]
    if call.as_json:
        told = {"revision": desired.revision, "reason": todo.reason, "message": todo.message, "steps": steps}
        call.terminal.json({**told, "newest": fetched.revision, "error": as_document(error) if error else None})
    else:
        _show(call, error)
        call.terminal.line(f"{short(desired.revision)}  {todo.reason}: {todo.message}")
        for step in steps:
            call.terminal.line(f"  {step}")
    return CHANGES if steps or observed.building else FAILED if error else 0


def _show(call: Call, error: AgentError | None) -> None:
    if error:
        call.terminal.line(f"{call.terminal.paint(error.reason, 'red')}  {error}; so this is for the release in force:")
