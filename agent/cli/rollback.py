"""`rollback`: on a VM an older release until the next push; in a clone a commit that brings an older revision back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..earlier import earlier
from ..host.vm import VM, assemble
from ..names import short
from . import Misuse
from .control import whoever
from .in_clone import in_clone
from .pursue import refuse_where_held, settle

if TYPE_CHECKING:
    from .verbs import Call


def rollback(call: Call) -> int:
    """Raises AgentError where nothing was done."""
    if not call.paths.source.exists():
        return in_clone(call)
    if call.options.remote:
        raise Misuse("--remote is for a clone; here it is known which releases were good")
    return _rehearse(call) if call.options.dry_run else _pin(call)


def _pin(call: Call) -> int:
    def ask(host: VM) -> None:
        desired = host.accepted()
        observed = host.observe(desired)
        refuse_where_held(host, observed, desired)
        host.wishes.pin(earlier(desired, observed, call.options.revision).id, whoever())

    return settle(call, now=True, before=ask, runs=True)


def _rehearse(call: Call) -> int:
    host = assemble(call.paths, call.environ, alive=lambda _doing: None, polled=True)
    desired = host.accepted()
    observed = host.observe(desired)
    refuse_where_held(host, observed, desired)
    chosen = earlier(desired, observed, call.options.revision)
    if call.as_json:
        call.terminal.json({"release": chosen.id, "revision": chosen.revision, "done": False})
    else:
        call.terminal.line(f"would run {short(chosen.revision)} here until the next push")
    return 0
