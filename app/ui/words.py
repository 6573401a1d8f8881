"""The small words that the page and the named endpoints share."""

from __future__ import annotations

from datetime import timedelta

from ..labels import is_known, look, spoken
from ..moods import Mood, Thought

ANY_FEELING = "any"
OTHERS = 6  # colours in style.css; LABEL_0 to LABEL_5 are told apart


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


def colour(label: str) -> str:
    """The class in style.css of a label: that of its mood; labels that say nothing to us are told apart."""
    if is_known(label):
        return f"mood-{look(label)}"
    return f"mood-other-{sum(label.lower().encode()) % OTHERS}"


def apart(text: str) -> str:
    """For a line of our own: whichever way its letters run, the rest of the line runs as ours do."""
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def shortened(text: str, most: int) -> str:
    """At most so many characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def processed(mood: Mood, model: str = "") -> str:
    """`model` is named unless it already is beside these words."""
    is_api = mood.source == "api"
    by = " with ".join(filter(None, ("the API", model) if is_api else (model, mood.source)))
    when = "earlier" if mood.cached else f"in {quickly(mood.took)}"
    return f"Processed {'' if is_api else 'locally '}by {by} {when}{why_here(mood)}."


def why_here(answer: Mood | Thought) -> str:
    """The end of a line about where an answer comes from."""
    return ", because the service cannot answer" if answer.stands_in else ""
