"""How a process ended, in words that follow "the process"."""

from __future__ import annotations

import signal

from ..launcher import EX_PORT_IN_USE
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


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
