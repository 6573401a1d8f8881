"""The outcome as a document, and read from one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.load.shots import Shot, releases, summary

FIRST = 5
"""So many failures of a kind are told in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    shots: tuple[Shot, ...]
    reopened: int
    """Connections that the server closed while they were idle, without a word before."""

    @property
    def failed(self) -> list[Shot]:
        return [shot for shot in self.shots if shot.failure]

    def told(self) -> list[str]:
        """The first failures of each kind, in words."""
        kinds = sorted({shot.kind for shot in self.failed})
        return [_words(shot) for kind in kinds for shot in [each for each in self.failed if each.kind == kind][:FIRST]]

    def within(self, since: float, until: float) -> list[Shot]:
        """What was under way between the two (seconds since the epoch)."""
        return [shot for shot in self.shots if shot.touches(since, until)]

    def document(self) -> dict[str, Any]:
        return {
            "kinds": summary(self.shots),
            "reopened": self.reopened,
            "failures": self.told(),
            "releases": releases(self.shots),
            "requests": [asdict(shot) for shot in self.shots],
        }

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """What `document` was written there."""
        found = json.loads(path.read_text())
        return cls(shots=tuple(Shot(**each) for each in found["requests"]), reopened=found["reopened"])

    def table(self) -> str:
        """For a terminal."""
        rows = [f"{'kind':12}{'total':>8}{'failed':>8}{'p50':>9}{'p99':>9}{'max':>9}"]
        for kind, row in summary(self.shots).items():
            times = "".join(f"{row[name]:>6.0f} ms" for name in ("p50Ms", "p99Ms", "maxMs"))
            rows.append(f"{kind:12}{row['total']:>8}{row['failed']:>8}{times}")
        return "\n".join([*rows, *self.told()])


def _words(shot: Shot) -> str:
    at = datetime.fromtimestamp(shot.ended, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{at} {shot.kind}: {shot.failure} (after {shot.ended - shot.begun:.2f} s)"
