"""`reconcile`: the passes for a person who waits for them; the daemon's worker is the same with another voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import Broken, Reason
from ..host.vm import VM
from ..host.worker import AGAIN, ALIVE
from ..reconcile import declared
from ..worker import work
from .pursue import refuse_where_held, settle
from .turns import Turns, throttled

if TYPE_CHECKING:
    from .verbs import Call


def refuse_run(_call: Call) -> int:
    """`run` alone is taken by the resident; this is `run` with other options before it."""
    raise Broken(Reason.INVALID_SOURCE, "`gitops-vm run` takes no options")


def reconcile(call: Call) -> int:
    if call.options.worker:
        return _as_worker(call)
    return _retry(call) if call.options.retry else settle(call, now=call.options.now)


def _as_worker(call: Call) -> int:
    def say(word: str, rest: object) -> None:
        print(f"{word} {rest}", flush=True)  # noqa: T201 - the daemon reads it

    turns = Turns(call, throttled(lambda doing: say(ALIVE, doing)), polled=True)
    pause = work(turns, sleep=turns.rest, tell=lambda _report: None)
    with turns() as host:
        say(AGAIN, host.until_next(pause).total_seconds())
    return 0


def _retry(call: Call) -> int:
    """A rollback that was asked for here ends: the declared revision is wanted again. Raises Broken where it would not be tried."""

    def forget(host: VM) -> None:
        desired = declared(host.fetch(), host).release
        if desired is None:
            return
        refuse_where_held(host, host.observe(desired), desired)
        host.wishes.unpin()
        host.wishes.retry(desired.id)

    return settle(call, now=True, before=forget, runs=True)
