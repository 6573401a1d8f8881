"""Answers as HTML: a mood with every confidence, two opinions side by side, a thought, and why there is none."""

from __future__ import annotations

import re
from html import escape
from itertools import count

from ..faces import face
from ..labels import agree, feeling
from ..moods import Failure, Mood, Opinion, Thought, in_seconds
from .words import colour, name, percent, processed, quickly, shortened, why_here

LONGEST_QUOTE = 60  # characters of a text, in its answer

NOTHING_YET = f"<div class='card empty mood-neutral'>{face('neutral')}<p>Write something, and the mood of it appears here.</p></div>"
NO_THOUGHT_YET = f"<div class='card empty mood-joy'>{face('joy')}<p>A kind word is one click away.</p></div>"


HINTS = {
    "TooLong": "Please shorten it.",
    "TextRefused": "Please shorten it, or write it in other words.",
    "OutOfCredits": "Trying again helps once there are credits.",
    "InternalError": "",
}
"""By reason, where neither time nor whoever runs the app is what has to change."""
_numbers = count()  # of the answers: the same words once more are news to whoever asked once more
SAYS_WHEN = re.compile(r"\bin (\d+ s|a minute)\b")


def mood_html(mood: Mood, text: str, model: str) -> str:
    """`model` is the name of the one that answered."""
    label, sure = name(mood.label), percent(mood.confidence)
    said = f"{label}, {sure} sure: {shortened(text, LONGEST_QUOTE)}"
    return (
        f"<section class='card answer {colour(mood.label)}' aria-label='Mood' {_new()} data-announce='{escape(said)}'>"
        f"<div class='verdict'>{face(mood.label)}<div><p class='eyebrow'>{_quoted(text)} feels like</p><h2>{escape(label)}</h2>"
        f"<p>{sure} sure</p></div></div>{_bars(mood)}"
        f"<footer><p>{escape(processed(mood, model))}</p>{_buttons(f'My text feels like {label} ({sure} sure).')}</footer></section>"
    )


def thought_html(thought: Thought, label: str | None) -> str:
    text = escape(thought.text)
    felt = feeling(label)
    whom = f"For somebody who feels {escape(felt)}" if felt else "For anybody"
    return (
        f"<section class='card thought {colour(label or 'joy')}' aria-label='Thought' {_new()} data-announce='{text}'>"
        f"<p class='eyebrow'>{whom}</p><blockquote dir='auto'>{text}</blockquote>"
        f"<footer><p>{escape(f'From {thought.source}, in {quickly(thought.took)}{why_here(thought)}.')}</p>{_buttons(thought.text)}</footer></section>"
    )


def opinions_html(opinions: list[Opinion], text: str) -> str:
    said = _agreement(opinions)
    cards = "".join(_opinion(opinion) for opinion in opinions)
    return (
        f"<section class='opinions' aria-label='Comparison' {_new()} "
        f"data-announce='{escape(f'{said} {shortened(text, LONGEST_QUOTE)}')}'>"
        f"<p class='eyebrow'>{_quoted(text)}</p><p class='agreement'>{escape(said)}</p><div>{cards}</div></section>"
    )


def trouble(failure: Failure) -> str:
    """Its own words, addresses as links, and whether trying again may help."""
    words = re.sub(r"https://[^\s()<>]*[\w/]", _link, escape(failure.message))
    first, _, rest = words.partition(". ")
    said = f"<strong>{first}.</strong> {rest}" if rest else f"<strong>{words}</strong>"
    hint = _hint(failure)
    return f"<div class='trouble' role='alert' {_new()}><p>{said}</p>{f'<p>{hint}</p>' if hint else ''}</div>"


def _new() -> str:
    return f"data-answer='{next(_numbers)}'"


def _hint(failure: Failure) -> str:
    """What to do now, unless the message has said it."""
    if failure.status == 400 or SAYS_WHEN.search(failure.message):  # noqa: PLR2004 - the text has to change, as it says
        return ""
    if failure.reason in HINTS:
        return HINTS[failure.reason]
    if failure.retry_after is not None:
        return f"Try again in {in_seconds(failure.retry_after)} s."
    return "This may pass by itself." if failure.passing else "Trying again will not help until that is done."


def _link(found: re.Match[str]) -> str:
    return f"<a href='{found[0]}' target='_blank' rel='noopener noreferrer'>{found[0]}</a>"


def _quoted(text: str) -> str:
    return f"<q><bdi>{escape(shortened(text, LONGEST_QUOTE))}</bdi></q>"


def _opinion(opinion: Opinion) -> str:
    outcome = opinion.outcome
    about = f"<p class='eyebrow'>{escape(opinion.mode)} · {escape(opinion.model)}</p>"
    if isinstance(outcome, Failure):
        return f"<article class='card' data-mode='{opinion.mode}'>{about}{trouble(outcome)}</article>"
    return (
        f"<article class='card {colour(outcome.label)}' data-mode='{opinion.mode}'>{about}"
        f"<div class='verdict'>{face(outcome.label)}<div><h2>{escape(name(outcome.label))}</h2>"
        f"<p>{percent(outcome.confidence)} sure</p></div></div>{_bars(outcome)}"
        f"<footer><p>{escape(processed(outcome))}</p></footer></article>"
    )


def _agreement(opinions: list[Opinion]) -> str:
    moods = [(opinion.mode, opinion.outcome) for opinion in opinions if isinstance(opinion.outcome, Mood)]
    if len(moods) < len(opinions):
        return "Not all could answer."
    names = {name(mood.label) for _, mood in moods}
    said = names.pop() if len(names) == 1 else ", ".join(f"{mode} says {name(mood.label)}" for mode, mood in moods)
    return f"They {'agree' if agree([mood.label for _, mood in moods]) else 'differ'}: {said}."


def _bars(mood: Mood) -> str:
    rows = "".join(
        f"<li class='{colour(label)}'><span>{escape(name(label))}</span>"
        f"<span class='bar' aria-hidden='true'><i style='width:{score:.1%}'></i></span><span>{percent(score)}</span></li>"
        for label, score in mood.scores.items()
    )
    return f"<ul class='bars' aria-label='How sure, for every mood'>{rows}</ul>"


def _buttons(words: str) -> str:
    return (
        f"<span class='deeds'><button type='button' data-copy='{escape(words)}'>Copy</button>"
        f"<button type='button' data-share='{escape(words)}'>Share</button></span>"
    )
