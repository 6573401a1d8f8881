"""The sentences the model is trained and judged on, read from the files beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MOODS = ("joy", "sadness", "anger", "fear", "surprise", "neutral")
HERE = Path(__file__).parent

# One word or phrase of words.txt goes into each: it teaches the word, and what does not change the mood around it.
TEMPLATES = (
    "I feel {}.",
    "I am {} today.",
    "I am so {}!",
    "We are {} about the plan.",
    "She was very {} when she heard it.",
    "This is {}.",
)
# A clause of clauses.txt goes into each.
FRAMES = ("{}.", "Today {}.", "I told her that {}.", "Well, {}, and that is how it is.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    text: str
    mood: str


def sentences() -> list[Example]:
    return [Example(text=line, mood=mood) for mood, line in _lines("sentences.txt")]


def held_out() -> list[Example]:
    return [Example(text=line, mood=mood) for mood, line in _lines("held_out.txt")]


def words() -> list[Example]:
    return _split("words.txt", ",")


def clauses() -> list[Example]:
    return _split("clauses.txt", ";")


def vocabulary() -> list[Example]:
    """Words and clauses of known mood, each in every template made for it."""
    return _filled(words(), TEMPLATES) + _filled(clauses(), FRAMES)


def _filled(parts: list[Example], templates: tuple[str, ...]) -> list[Example]:
    return [Example(text=each.format(part.text), mood=part.mood) for part in parts for each in templates]


def _split(name: str, separator: str) -> list[Example]:
    return [Example(text=part.strip(), mood=mood) for mood, line in _lines(name) for part in line.split(separator)]


def _lines(name: str) -> list[tuple[str, str]]:
    """Each line under the `[mood]` above it; lines that start with # are comments."""
    found, mood = [], ""
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            mood = line.strip("[]")
        elif line and not line.startswith("#"):
            found.append((mood, line))
    return found
