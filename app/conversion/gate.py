"""May this form of a model stand for that one? Asked with sentences neither was made from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Scores = list[dict[str, float]]  # for each text, the share of each label

EXPORTED = 1e-4  # of a share: the same numbers, added up in another order
QUANTISED = 0.05  # of a share
LEAD = 0.1  # of a share: a label that led by less was a coin's toss before


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    texts: int
    bound: float  # of the difference between two shares
    worst: float  # the largest one
    flipped: int  # texts with another label, though the first had a clear lead

    @property
    def passed(self) -> bool:
        return self.worst <= self.bound and not self.flipped

    def __str__(self) -> str:
        how = "passed" if self.passed else "REFUSED"
        return f"{how}: {self.texts} texts, shares differ by {self.worst:.3f} at most ({self.bound} allowed), {self.flipped} labels flipped"

    def facts(self) -> dict[str, Any]:
        return {"passed": self.passed, **asdict(self)}


def judged(expected: Scores, found: Scores, bound: float) -> Verdict:
    pairs = list(zip(expected, found, strict=True))
    return Verdict(
        texts=len(pairs),
        bound=bound,
        worst=max(abs(first[label] - second[label]) for first, second in pairs for label in first),
        flipped=sum(_clear(first) and _label(first) != _label(second) for first, second in pairs),
    )


def _label(scores: dict[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def _clear(scores: dict[str, float]) -> bool:
    first, second, *_ = [*sorted(scores.values(), reverse=True), 0.0]
    return first - second >= LEAD
