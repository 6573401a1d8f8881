"""The verbs that change what the agent does on this VM until they are taken back. One that could not be done changes nothing."""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..host import files
from ..host.discretion import Discretion
from ..host.vm import VM
from .pursue import refuse_where_held, settle

if TYPE_CHECKING:
    from .verbs import Call


def stop(call: Call) -> int:
    return settle(call, before=lambda _host: files.write(call.paths.stopped, ""))


def start(call: Call) -> int:
    """Raises Broken while the agent is suspended: nothing would start it."""

    def allow(host: VM) -> None:
        desired = host.accepted()
        observed = replace(host.observe(desired), stopped=False)
        refuse_where_held(host, observed, desired)
        if not any(process.pid for process in observed.processes):
            host.wishes.ask("start", whoever())
        call.paths.stopped.unlink(missing_ok=True)

    return settle(call, now=True, before=allow, runs=True)


def restart(call: Call) -> int:
    """Raises Broken, before anything is stopped, where nothing would start it again."""

    def retire(host: VM) -> None:
        desired = host.accepted()
        observed = host.observe(desired)
        refuse_where_held(host, observed, desired)
        host.wishes.ask("restart", whoever())
        for process in observed.processes:
            host.retire(process.release)

    return settle(call, now=True, before=retire, runs=True)


def whoever() -> str:
    """Who types, as this VM knows them."""
    return pwd.getpwuid(os.getuid()).pw_name


def suspend(call: Call) -> int:
    """It survives restarts and reboots; the status says who asked, why, and until when."""
    until: datetime | None = call.options.until
    pause = {
        "reason": Discretion(call.paths).text(" ".join(call.options.reason)),
        "by": whoever(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "until": until.isoformat(timespec="seconds") if until else None,
    }
    return settle(call, before=lambda _host: files.write(call.paths.paused, json.dumps(pause)))


def resume(call: Call) -> int:
    def end(host: VM) -> None:
        host.wishes.unpin()
        call.paths.paused.unlink(missing_ok=True)

    return settle(call, before=end)
