"""What a browser tab has asked so far. It lives in that tab and is sent along, so it is read as carefully as any input."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ..moods import Mood

MOST = 50  # entries
LONGEST_TEXT = 300  # characters
LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    text: str
    mood: str
    confidence: float  # 0 to 1
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    labels: tuple[str, ...] = ()  # that the model knows
    entries: tuple[Entry, ...] = ()  # the oldest first

    @property
    def last_mood(self) -> str | None:
        return self.entries[-1].mood if self.entries else None

    def with_(self, text: str, mood: Mood) -> History:
        short = text.strip() if len(text.strip()) <= LONGEST_TEXT else text.strip()[:LONGEST_TEXT] + "…"
        entry = Entry(text=short, mood=mood.label, confidence=mood.confidence, at=datetime.now(UTC))
        return replace(self, labels=tuple(mood.scores), entries=(*self.entries, entry)[-MOST:])

    def as_json(self) -> dict[str, Any]:
        entries = [{**asdict(entry), "at": entry.at.isoformat(timespec="seconds")} for entry in self.entries]
        return {"labels": self.labels, "entries": entries}

    @classmethod
    def read(cls, kept: Any) -> History:
        """What cannot be meant counts as no history."""
        try:
            entries = tuple(_entry(**entry) for entry in kept["entries"][-MOST:])
            labels = tuple(str(label)[:LONGEST_LABEL] for label in kept["labels"][:MOST])
        except (TypeError, KeyError, ValueError, OverflowError):
            return cls()
        return cls(labels=labels, entries=entries)


def _entry(*, text: Any, mood: Any, confidence: Any, at: Any) -> Entry:
    return Entry(
        text=str(text)[: LONGEST_TEXT + 1],
        mood=str(mood)[:LONGEST_LABEL],
        confidence=min(max(float(confidence), 0.0), 1.0),
        at=datetime.fromisoformat(at).astimezone(UTC),
    )
