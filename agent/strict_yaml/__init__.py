"""YAML as our files may use it: each key once, no references, no tags, and only what looks like a number is one.

Plain scalars follow the core schema of YAML 1.2 in its lower-case, decimal spelling: `null`, `true`, `false`, integers without
leading zeros, decimal floats. `on`, `NO`, `12:30`, `0123456`, `0x1f` and `2026-01-01` stay text.
"""

from __future__ import annotations

import yaml

from ..problems import Findings, InvalidSpec, Problem
from .build import MAX_DEPTH, MAX_VALUES, Builder
from .node import Node
from .text import MAX_BYTES, UnreadableError, decoded

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "Node", "load"]

_HINTS = {
    "'\\t'": "; indent with spaces, not tabs",
    "cannot start any token": "; put the text in quotes",
    "mapping values are not allowed": "; put text that holds a colon and a space in quotes",
}


def load(data: bytes, *, file: str) -> tuple[Node, Findings]:
    """The document in `data`, and what may not stand in it although it can be read; `file` is only for the messages.

    Both come together, so that the caller can look for more problems before it refuses the file. Raises InvalidSpec with one
    problem when reading on makes no sense: not UTF-8, not YAML, too large, too deep, empty, more than one document.
    """
    try:
        builder = Builder(events=yaml.parse(decoded(data), Loader=yaml.SafeLoader), findings=Findings(file=file))
        return builder.document(), builder.findings
    except UnreadableError as error:
        line, message = error.line, error.message
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = _syntax(error)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # an escape such as "\UFFFFFFFF" ends in chr()
        line, message = 1, f"is not YAML: {error}"
    raise InvalidSpec([Problem(file=file, line=line, path="", message=message)])


def _syntax(error: yaml.MarkedYAMLError) -> str:
    """PyYAML's words, which name no value, and what most often cures it."""
    said = str(error.problem or error.context)
    hint = next((hint for sign, hint in _HINTS.items() if sign in said), "")
    return f"is not YAML: {said}{hint}"
