"""Why uv failed, told by what it wrote: who can cure it."""

from __future__ import annotations

import re
from datetime import timedelta

from ..errors import AgentError, Broken, Reason, Stalled, Transient
from . import disk
from .command import Result
from .git_errors import public

_LONGEST = 600
# uv 0.13 writes `error: WHAT`, then `  cause: WHY` from the outermost to the innermost, each perhaps over several lines.
_PARTS = re.compile(r"^(?:error|  cause): (.*(?:\n {9}\S.*)*)", re.MULTILINE)
_UNREACHABLE = (
    r"error sending request|HTTP status (server|client) error \((5\d\d|408|429)|dns error|operation timed out|tcp connect"
    r"|request or response body|connection (closed|reset)|Failed to fetch: .*(timed out|50\d)"
)


def failure(result: Result, deadline: timedelta, *, lock: str) -> AgentError:
    """The error that a failed `uv` stands for. `lock` is the file it installed from."""
    said = public(result.complaint)
    if result.timed_out:
        message = f"installing {lock} did not end within {deadline.total_seconds() / 60:g} minutes"
        return Transient(Reason.DEADLINE_EXCEEDED, message, evidence=said)
    message = f"{lock}: {telling(said)}"
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return disk.full(message)
    if "lack of valid authentication credentials" in said:
        hint = "write the index's machine, login and password into ~/.netrc on the VM, mode 0600"
        return Broken(Reason.INDEX_UNREACHABLE, message, hint=hint, evidence=said)
    if re.search(_UNREACHABLE, said):
        return Transient(Reason.INDEX_UNREACHABLE, message, evidence=said)
    return Stalled(Reason.BUILD_FAILED, message, evidence=said)


def telling(said: str) -> str:
    """One line: what went wrong and why, without the steps between."""
    parts = [" ".join(part.split()) for part in _PARTS.findall(said)]
    if not parts:
        return said.splitlines()[-1] if said else "uv said nothing"
    what, *why = parts
    kept = [what, why[0], why[-1]] if re.match("Request failed|Failed to fetch", what) and why else [what, *why]
    return ": ".join(dict.fromkeys(kept))[:_LONGEST]
