"""A tree of values held against a model: either the model's value, or every problem with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..problems import Findings, Path, shown
from ..strict_yaml import Node
from .base import Strict
from .remotes import LOCAL_ALLOWED
from .suggest import fields, model_at, places, unknown_key

Model = TypeVar("Model", bound=Strict)

# What another layer of the same file may still cure.
_CURABLE = frozenset({"missing", "contradicts"})
_FOLLOWS = "default_factory_not_called"  # only beside another problem, of which it says nothing
_MOST_PLACES = 3
_PLAINLY = {
    "literal_error": "write {expected}",
    "enum": "write {expected}",
    "greater_than_equal": "{written} is too small; write {ge:g} or more",
    "less_than_equal": "{written} is too large; write {le:g} or less",
    "bool_type": "write true or false",
    "float_type": "write a number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "finite_number": "write a number",
    "too_long": "write {max_length} of them or less",
    "tuple_type": "write a list, such as [a, b]",
    "mapping_type": "write a map: names with values",
    "model_type": "write a map: keys with values",
}


def checked(
    model: type[Model], root: Node, findings: Findings, *, allow_local: bool, whole: bool = True, title: str = ""
) -> Model | None:
    """The value of `root`, or None and its problems in `findings`. Where it is not `whole`, what is missing is no problem."""
    try:
        return model.model_validate(root.plain(), context={LOCAL_ALLOWED: allow_local})
    except ValidationError as failure:
        for error in failure.errors(include_url=False, include_input=False):
            if error["type"] != _FOLLOWS and (whole or error["type"] not in _CURABLE):
                _note(error, model, root, findings, title)
        return None


def _note(error: ErrorDetails, model: type[Strict], root: Node, findings: Findings, title: str) -> None:
    loc = tuple(key for key in error["loc"] if key != "[key]")  # pydantic's mark for a wrong key
    node, rest = root.nearest(loc)
    path = node.path + rest
    if findings.knows(node.line, path):
        return
    shared = title and node.path[:1] not in {("modes",), ("hosts",)}
    findings.add(node.line, path, _message(error, loc, node, model) + (f" ({title})" if shared else ""))


def _message(error: ErrorDetails, loc: Path, node: Node, model: type[Strict]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return f"is missing{_example(model, loc)}"
    if kind == "extra_forbidden":
        return _unknown(model, loc)
    if kind == "string_type":
        return _not_text(node)
    return _PLAINLY[kind].format(written=shown(node.text), **context) if kind in _PLAINLY else error["msg"]


def _unknown(model: type[Strict], loc: Path) -> str:
    key, around = str(loc[-1]), model_at(model, loc[:-1]) or model
    below = places(around, key, ".".join(map(str, (*loc[:-1], ""))))
    elsewhere = list(below) or list(places(model, key))
    return unknown_key(key, (*fields(around), *around.more_keys), elsewhere if len(elsewhere) <= _MOST_PLACES else ())


def _example(model: type[Strict], loc: Path) -> str:
    around = model_at(model, loc[:-1])
    field = fields(around).get(str(loc[-1])) if around else None
    if not field or not field.examples:
        return ""
    example = field.examples[0]
    return f"; write {loc[-1]}: {example if isinstance(example, str) else json.dumps(example)}"


def _not_text(node: Node) -> str:
    if isinstance(node.value, Mapping | tuple):
        return "write text"
    kind = "a boolean" if isinstance(node.value, bool) else "a number"
    return f'{shown(node.text)} is {kind} in YAML; write it in quotes: "{shown(node.text)}"'
