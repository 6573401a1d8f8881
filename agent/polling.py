"""When to ask a remote again: at the interval with jitter, and ever less often while it fails. And when an answer counts."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

JITTER = 0.1
SLOWEST = 60.0
"""Seconds. However long a remote has been away, its return is seen within a minute (or the interval, if longer)."""


def pause(interval: float, failures: int, *, rng: random.Random) -> float:
    """Seconds until the next try after `failures` in a row; jitter keeps many VMs from asking in step."""
    slowest = max(interval, SLOWEST)
    base = min(interval * 2.0 ** min(failures, 16), slowest)
    return base * rng.uniform(1 - JITTER, 1 + JITTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """So many answers in a row were other ones than the one before; `since`: when the first of them came, in seconds."""

    sha: str | None = None
    moves: int = 0
    since: float = 0.0

    def then(self, sha: str | None, at: float) -> Run:
        """After this answer."""
        if sha == self.sha:
            return replace(self, moves=0)
        known = self.sha is not None  # the first answer of all is no move
        return Run(sha=sha, moves=self.moves + 1 if known else 0, since=self.since if self.moves else at)
