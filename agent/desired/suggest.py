"""What a wrong key was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import get_args

from pydantic.fields import FieldInfo

from ..problems import Path
from .base import Strict

_LONGEST_TYPO = 40  # comparing is quadratic
_ALIKE = 0.66  # two letters of three, as in "aap" for "app"

_KUBERNETES = {
    "successThreshold": "one success is enough",
    "initialDelaySeconds": "startupProbe gives it the time it needs",
}
"""What is not here though the others of its kind are, and why."""


def unknown_key(key: str, known: Iterable[str], elsewhere: Iterable[str] = ()) -> str:
    """`known` are the keys of this map; `elsewhere` are dotted paths that end in the same key."""
    if why := _KUBERNETES.get(key):
        return f"unknown key; there is none here: {why}"
    names = list(known)
    spelling = {name.lower().replace("_", ""): name for name in names}
    typo = key.lower().replace("_", "").replace("-", "")[:_LONGEST_TYPO]
    if close := difflib.get_close_matches(typo, spelling, n=1, cutoff=_ALIKE):
        return f'unknown key; did you mean "{spelling[close[0]]}"?'
    if places := list(elsewhere):
        return f"unknown key here; it belongs to {' or '.join(places)}"
    return f"unknown key; known here: {', '.join(names)}"


def fields(model: type[Strict]) -> dict[str, FieldInfo]:
    """The keys of a map as they are written, each with what is known about its value."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def model_at(model: type[Strict], path: Path) -> type[Strict] | None:
    """The map at `path`, None where there is none."""
    for key in path:
        if isinstance(key, int):  # an item of a list: the map is the same for all
            continue
        field = fields(model).get(str(key))
        inner = _inner(field) if field else None
        if inner is None:
            return None
        model = inner
    return model


def places(model: type[Strict], key: str, prefix: str = "") -> Iterator[str]:
    """The dotted paths below `model` at which `key` is known."""
    for name, field in fields(model).items():
        if name == key:
            yield prefix + name
        elif inner := _inner(field):
            yield from places(inner, key, f"{prefix}{name}.")


def _inner(field: FieldInfo) -> type[Strict] | None:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Strict):
            return kind
    return None
