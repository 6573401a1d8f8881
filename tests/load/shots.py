"""What became of each request, and what can be said of many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One request, or for Gradio one call. `latency` is the whole of it; of a stream the longest silence in it."""

    kind: str
    begun: float
    """Seconds since the epoch."""
    ended: float
    latency: float
    """Seconds."""
    release: str = ""
    """Which release answered, where the answer says so."""
    failure: str = ""
    """In words; empty when all was well."""

    def touches(self, since: float, until: float) -> bool:
        """It was under way at some time between the two."""
        return self.begun <= until and self.ended >= since


def worst(shots: Iterable[Shot]) -> float:
    """The longest latency, in seconds; 0 of none."""
    return max((shot.latency for shot in shots), default=0.0)


def percentile(shots: Sequence[Shot], share: float) -> float:
    """The latency that so large a share of the shots does not exceed, in seconds; 0 of none."""
    latencies = sorted(shot.latency for shot in shots)
    return latencies[max(0, math.ceil(share * len(latencies)) - 1)] if latencies else 0.0


def summary(shots: Sequence[Shot]) -> dict[str, dict[str, Any]]:
    """By kind: counts, and latencies in milliseconds of what was answered."""
    kinds = sorted({shot.kind for shot in shots})
    return {kind: _of_one([shot for shot in shots if shot.kind == kind]) for kind in kinds}


def _of_one(shots: list[Shot]) -> dict[str, Any]:
    well = [shot for shot in shots if not shot.failure]
    counts = {"total": len(shots), "failed": len(shots) - len(well)}
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return counts | {f"{name}Ms": round(percentile(well, share) * 1000, 1) for name, share in shares.items()}


def releases(shots: Iterable[Shot]) -> list[dict[str, Any]]:
    """Who answered from when to when, by the first answer."""
    found: dict[str, dict[str, Any]] = {}
    for shot in sorted((each for each in shots if each.release), key=lambda shot: shot.ended):
        row = found.setdefault(shot.release, {"release": shot.release, "first": shot.ended, "answers": 0})
        row["last"] = shot.ended
        row["answers"] += 1
    return list(found.values())
