"""A value of a YAML file that knows where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..problems import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value: `line` is that of its key, `text` what was written (for a scalar, without its quotes)."""

    path: Path
    line: int
    text: str = ""
    value: str | float | bool | tuple[Node, ...] | Mapping[str, Node]

    def plain(self) -> Any:
        """The value without its place: dict, tuple, str, int, float or bool."""
        match self.value:
            case Mapping() as items:
                return {key: item.plain() for key, item in items.items()}
            case tuple() as items:
                return tuple(item.plain() for item in items)
            case scalar:
                return scalar

    def child(self, key: str | int) -> Node | None:
        """The value under `key` of a map or a list; None where there is none."""
        if isinstance(self.value, Mapping):
            return self.value.get(str(key))
        if isinstance(self.value, tuple) and isinstance(key, int) and key < len(self.value):
            return self.value[key]
        return None

    def nearest(self, path: Path) -> tuple[Node, Path]:
        """The deepest value on the way along `path`, and what was left to go."""
        found = self.child(path[0]) if path else None
        return found.nearest(path[1:]) if found else (self, path)
