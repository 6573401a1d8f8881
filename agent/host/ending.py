"""How a process ended, in words that follow "the process"; and what it said last itself."""

from __future__ import annotations

import signal

from ..launcher import ACCEPTING, DRAINING, EX_PORT_IN_USE, RESTING
from ..observed import CROWDED

_KNOWN = {
    126: " (the program is not executable)",  # env(1)
    127: " (no such program)",
    200: " (its directory cannot be entered)",  # systemd.exec(5), "Process Exit Codes"
    203: " (it could not be executed)",
}
_KILLERS: dict[int, str] = {signal.SIGKILL: " (for want of memory? see dmesg)"}
_RESULTS = {
    "watchdog": "missed its watchdog and was ended",
    "timeout": "did not start or stop in time and was ended",
    "oom-kill": "was killed for want of memory",
}


def ending(result: str, *, status: int | None = None, killed_by: int | None = None) -> str:
    """`result` is systemd's word for why a unit ended; empty where nothing has ended yet."""
    if result in _RESULTS:
        return _RESULTS[result]
    if killed_by is not None:
        return f"was killed by {_name(killed_by)}{_KILLERS.get(killed_by, '')}"
    if status == EX_PORT_IN_USE:
        return CROWDED
    if status is not None:
        return f"exited with status {status}{_KNOWN.get(status, '')}"
    return ""


def last_words(status: str) -> str:
    """Its last STATUS= (sd_notify(3)) on one line, as it may be shown. Where a launched release stands explains no end."""
    shown = " ".join("".join(each if each.isprintable() else " " for each in status).split())
    return "" if shown in (ACCEPTING, RESTING, DRAINING) else shown


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
