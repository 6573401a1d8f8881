"""What a model's label means: every model has words of its own for the moods."""

from __future__ import annotations

import re

MOODS = ("joy", "love", "surprise", "neutral", "fear", "sadness", "anger")  # from the brightest to the darkest
_ALIKE = {
    "positive": "joy",
    "happy": "joy",
    "happiness": "joy",
    "negative": "sadness",
    "sad": "sadness",
    "disgust": "anger",
}
_BROAD = {
    "positive": {"joy", "love"},
    "negative": {"fear", "sadness", "anger", "disgust"},
    "happy": {"joy"},
    "happiness": {"joy"},
    "sad": {"sadness"},
}


def look(label: str) -> str:
    """The one of MOODS that it is most like; one that says nothing to us looks neutral."""
    word = label.lower()
    return word if word in MOODS else _ALIKE.get(word, "neutral")


def is_known(label: str) -> bool:
    return label.lower() in (*MOODS, *_ALIKE)


def spoken(label: str) -> str:
    """As a word of a sentence: `POSITIVE` is positive, `very_sad` very sad."""
    return " ".join(label.replace("_", " ").split()).lower()


def feeling(label: str | None) -> str | None:
    """The same, and None of a label that names no feeling, such as `LABEL_0`."""
    return None if label is None or re.fullmatch(r"label \d+|", spoken(label)) else spoken(label)


def agree(labels: list[str]) -> bool:
    """Whether all could mean the same: `POSITIVE` is what another model calls joy or love."""
    return bool(set.intersection(*(_BROAD.get(spoken(label), {spoken(label)}) for label in labels)))
