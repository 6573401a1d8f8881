"""What the daemon saw at the remotes: written by it, read by the worker, which then need not ask again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from .errors import AgentError, Broken, Reason, Stalled, Transient

_CLASSES: Mapping[str, type[AgentError]] = {kind.__name__: kind for kind in (Transient, Stalled, Broken)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last answer of one remote. `sha` and `at` stay from the last good one while `error` tells of a later failure."""

    sha: str | None = None
    at: str | None = None  # ISO 8601
    failures: int = 0
    kind: str = ""
    reason: str = ""
    message: str = ""
    hint: str = ""

    def answered(self, sha: str, at: datetime) -> Head:
        return Head(sha=sha, at=at.isoformat())

    def failed(self, error: AgentError) -> Head:
        return replace(
            self,
            failures=self.failures + 1,
            kind=type(error).__name__,
            reason=error.reason.value,
            message=error.message,
            hint=error.hint,
        )

    @property
    def error(self) -> AgentError | None:
        """The failure of the last try, None if it succeeded."""
        if not self.failures:
            return None
        return _CLASSES[self.kind](Reason(self.reason), self.message, hint=self.hint)


def dump(heads: Mapping[str, Head]) -> str:
    return json.dumps({name: asdict(head) for name, head in heads.items()})


def load(text: str) -> dict[str, Head]:
    """Raises ValueError, KeyError or TypeError for anything that `dump` did not write."""
    return {name: Head(**fields) for name, fields in json.loads(text).items()}
