"""`wait`: until what was pushed is live, or has failed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import AgentError, Reason, Stalled, Transient
from ..host.git_errors import public
from ..host.status_reader import DEADLINE
from ..names import Revision, short
from ..status.exit_code import Code, code_of, worst
from ..status.read import printable
from . import Misuse
from .inspect import DEAD, Document, is_agent_here, local, reported

if TYPE_CHECKING:
    from .verbs import Call

_SETTLED = frozenset({Code.CURRENT, Code.FAILED})
_COLOURS = {Code.CURRENT: "green", Code.FAILED: "red", Code.IN_PROGRESS: "yellow", Code.UNKNOWN: "yellow"}
PAUSE_HERE, PAUSE_REMOTE = timedelta(seconds=0.5), timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One VM at one look."""

    host: str
    code: Code
    revision: str | None = None
    reason: str
    message: str

    def to_json(self) -> dict[str, Any]:
        verdict = self.code.word
        told = {"host": self.host, "verdict": verdict, "revision": self.revision}
        return {**told, "reason": self.reason, "message": self.message}


def wait(call: Call) -> int:
    """The exit code is `status`'s, about the revision if one is given: that of the worst VM once all have a verdict, or
    at the timeout. Raises AgentError for what waiting does not cure.
    """
    if call.options.host and not call.options.remote:
        raise Misuse("--host goes with --remote URL")
    end, told = time.monotonic() + call.options.timeout.total_seconds(), ""
    while True:
        seen = _look(call, timedelta(seconds=max(end - time.monotonic(), 1)))
        left = end - time.monotonic()
        if all(each.code in _SETTLED for each in seen) or left <= 0:
            break
        doing = "; ".join(f"{each.host}: {each.message}" for each in seen if each.code not in _SETTLED)
        if doing != told:
            call.terminal.progress(told := doing)
        time.sleep(min((PAUSE_REMOTE if call.options.remote else PAUSE_HERE).total_seconds(), left))
    _tell(call, seen)
    return worst(each.code for each in seen)


def _look(call: Call, left: timedelta) -> list[_Seen]:
    if not call.options.remote:
        document = local(call)
        return [_of_document(call, document, is_heard=is_agent_here(call))]
    try:
        found = reported(call, min(DEADLINE, left))
    except (Transient, Stalled) as error:
        if isinstance(error, Stalled) and error.reason is not Reason.REF_NOT_FOUND:  # a first word may still come
            raise
        return [_of_error(public(call.options.remote), error)]
    return [
        _of_error(host, each) if isinstance(each, AgentError) else _of_document(call, each, is_heard=True)
        for host, each in sorted(found.items())
    ]


def _of_document(call: Call, document: Document, *, is_heard: bool) -> _Seen:
    ready = next(each for each in document["conditions"] if each["type"] == "Ready")
    code = code_of(document, call.options.revision or "", datetime.now(UTC)) if is_heard else Code.UNKNOWN
    return _Seen(
        host=printable(document["host"]),
        code=code,
        revision=document["lastAttemptedRevision"],
        reason=printable(ready["reason"]),
        message=printable(ready["message"]) if is_heard else DEAD,
    )


def _of_error(host: str, error: AgentError) -> _Seen:
    return _Seen(host=host, code=Code.UNKNOWN, reason=error.reason, message=printable(error))


def _tell(call: Call, seen: Iterable[_Seen]) -> None:
    if call.as_json:
        call.terminal.json([each.to_json() for each in seen])
        return
    for each in seen:
        word = call.terminal.paint(each.code.word, _COLOURS[each.code])
        revision = printable(short(Revision(each.revision))) if each.revision else "nothing yet"
        call.terminal.line(f"{word}  {each.host}  {revision}  {each.reason}: {each.message}")
