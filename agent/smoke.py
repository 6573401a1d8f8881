"""Is what a URL answers what was expected? The verdict on one answer, or on its absence. Pure: host/web.py does the asking."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from .addresses import shown
from .status.read import printable
from .status.wire import duration

_SAID = 200
_SERVER_FAILED = 500


class Outcome(StrEnum):
    """Closed; `outcome` in the JSON of `smoke` and `watch`."""

    GOOD = "Good"
    WRONG_STATUS = "WrongStatus"
    WRONG_BODY = "WrongBody"
    NO_SUCH_NAME = "NoSuchName"
    NO_NETWORK = "NoNetwork"
    REFUSED = "Refused"
    UNREACHABLE = "Unreachable"
    TIMED_OUT = "TimedOut"
    TLS_FAILED = "TLSFailed"
    CUT_OFF = "CutOff"
    BAD_REDIRECT = "BadRedirect"
    PROXY_FAILED = "ProxyFailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`url` answered, the last one where it was redirected. `whole`: `body` is all of it. `latency` includes the body."""

    code: int
    url: str
    body: str
    whole: bool
    latency: timedelta
    kind: str = ""
    """Its content-type."""
    retry_after: str = ""
    """The header as it came, empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No HTTP answer came. The message names host and port only: the rest of a URL may be secret.

    URL in the hint stands for the one that was asked.
    """

    outcome: Outcome
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """`text` is looked for in the body as it is written; empty: any body will do."""

    status: int = 200
    text: str = ""

    @property
    def follows(self) -> bool:
        """Redirects are followed, unless one is what is expected."""
        return not 300 <= self.status < 400  # noqa: PLR2004 - HTTP's own numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    url: str
    """As it may be shown: without its query."""
    outcome: Outcome
    message: str
    hint: str = ""
    code: int | None = None
    latency: timedelta | None = None
    attempts: int = 1

    @property
    def good(self) -> bool:
        return self.outcome is Outcome.GOOD

    @property
    def line(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def after(self, attempts: int) -> Verdict:
        return replace(self, attempts=attempts)

    def to_json(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "good": self.good,
            "outcome": self.outcome,
            "message": self.message,
            "hint": self.hint,
            "code": self.code,
            "latency": duration(self.latency) if self.latency is not None else None,
            "attempts": self.attempts,
        }


def judge(url: str, seen: Answer | Silence, expected: Expected) -> Verdict:
    if isinstance(seen, Silence):
        return Verdict(url=shown(url), outcome=seen.outcome, message=seen.message, hint=_typed(seen.hint, url))
    outcome, message, hint = _judge(seen, expected)
    if shown(seen.url) != shown(url):
        message = f"{message}, after a redirect to {shown(seen.url)}"
    return Verdict(
        url=shown(url), outcome=outcome, message=message, hint=_typed(hint, url), code=seen.code, latency=seen.latency
    )


def _typed(hint: str, url: str) -> str:
    return re.sub(r"\bURL\b", lambda _: shlex.quote(shown(url)), hint)


def _judge(answer: Answer, expected: Expected) -> tuple[Outcome, str, str]:
    if answer.code != expected.status:
        message = f"answered {answer.code}, not {expected.status}{_said(answer)}"
        return Outcome.WRONG_STATUS, message, _hint(answer.code)
    if expected.text not in answer.body:
        part = "its body" if answer.whole else f"the first {len(answer.body)} characters of its body"
        message = f"answered {answer.code}, but {expected.text!r} is not in {part}"
        return Outcome.WRONG_BODY, message, "look at what it says: curl -sL URL"
    return Outcome.GOOD, f"answered {answer.code} in {duration(answer.latency)}", ""


def _said(answer: Answer) -> str:
    """What a bad answer says for itself, in one line; a page for people says nothing in one."""
    if "json" not in answer.kind and not answer.kind.startswith("text/plain"):
        return ""
    words = " ".join(printable(answer.body).split())[:_SAID]
    return f": {words}" if words else ""


def _hint(code: int) -> str:
    if code >= _SERVER_FAILED:
        return "see why, on the VM: gitops-vm logs"
    return {
        401: "it wants a login: write one for this host into ~/.netrc",
        403: "it forbids this",
        404: "is the path right?",
        429: "it is asked too often",
    }.get(code, "see all of it: curl -i URL")
