"""The small words that the page and the named endpoints share."""

from __future__ import annotations

from datetime import timedelta

from ..labels import spoken
from ..moods import Mood, Thought

ANY_FEELING = "any"


def took(time: timedelta) -> str:
    return f"{time.total_seconds():.2f} s"


def quickly(time: timedelta) -> str:
    """The same for people: nobody believes in 0.00 s."""
    return f"{time / timedelta(milliseconds=1):.1f} ms" if time < timedelta(milliseconds=50) else took(time)


def percent(confidence: float) -> str:
    return f"{confidence:.1%}".replace("%", " %")


def name(label: str) -> str:
    """A model's label for people, with a capital: Joy, Positive, Label 0."""
    return spoken(label).capitalize()


def apart(text: str) -> str:
    """For a line of our own: whichever way its letters run, the rest of the line runs as ours do."""
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def processed(mood: Mood) -> str:
    where = "by the API" if mood.source == "api" else f"locally by {mood.source}"
    return f"Processed {where} in {quickly(mood.took)}{why_here(mood)}."


def why_here(answer: Mood | Thought) -> str:
    """The end of a line about where an answer comes from."""
    return ", because the service cannot answer" if answer.stands_in else ""
