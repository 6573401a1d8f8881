"""From the parser's events to nodes. Not from PyYAML's composer: that one expands references and recurses without bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from ..problems import Findings, Path, shown
from .node import Node
from .text import UNWANTED, UnreadableError

MAX_DEPTH = 20
MAX_VALUES = 2000

_LONGEST_NUMBER = 30  # int() refuses thousands of digits, and float() makes them infinite
_NOTHING = ("", "~", "null")
_TRUTH = {"true": True, "false": False}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")


@dataclass(kw_only=True)
class Builder:
    """Builds one document. `findings` is complete when `document` has returned."""

    events: Iterator[Any]
    findings: Findings
    values: int = 0

    def document(self) -> Node:
        """The one document of the stream. Raises UnreadableError, and what the parser raises."""
        next(self.events)  # the stream begins
        if isinstance(next(self.events), yaml.StreamEndEvent):
            raise UnreadableError(1, "is empty")
        root = self.node(next(self.events), (), 1)
        next(self.events)  # the document ends
        following = next(self.events)
        if not isinstance(following, yaml.StreamEndEvent):
            raise UnreadableError(following.start_mark.line + 1, "holds a second document; keep one")
        return root

    def node(self, event: Any, path: Path, line: int) -> Node:
        """The value that begins with `event`, with all that is in it."""
        self.values += 1
        if self.values > MAX_VALUES:
            raise UnreadableError(line, f"holds more than {MAX_VALUES} values")
        if len(path) > MAX_DEPTH:
            raise UnreadableError(line, f"is nested more than {MAX_DEPTH} deep")
        self._check(event, path, line)
        if isinstance(event, yaml.MappingStartEvent):
            return Node(path=path, line=line, value=dict(self._pairs(path)))
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(path=path, line=line, value=tuple(self._items(path)))
        text = getattr(event, "value", "")  # a refused alias has none
        return Node(path=path, line=line, text=text, value=self._scalar(event, text, path, line))

    def _check(self, event: Any, path: Path, line: int) -> bool:
        known = len(self.findings.problems)
        if event.anchor:
            self.findings.add(line, path, "anchors (&) and aliases (*) are not read; write the value out")
        elif event.tag:
            self.findings.add(line, path, "tags (!) are not read; take it off")
        elif UNWANTED.search(getattr(event, "value", "")):
            self.findings.add(line, path, "holds a character that cannot be printed; take it out")
        return len(self.findings.problems) == known

    def _scalar(self, event: Any, text: str, path: Path, line: int) -> str | float | bool:
        if not isinstance(event, yaml.ScalarEvent) or event.style:
            return text
        if text in _NOTHING:
            self.findings.add(line, path, "holds nothing; write a value, {} for an empty map, or remove the line")
        if text in _TRUTH:
            return _TRUTH[text]
        if not _FLOAT.match(text):
            return text
        if len(text) > _LONGEST_NUMBER:
            self.findings.add(line, path, "is too long for a number; write it in quotes if it is text")
            return 0
        return int(text) if _INTEGER.match(text) else float(text)

    def _items(self, path: Path) -> Iterator[Node]:
        index = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, (*path, index), event.start_mark.line + 1)
            index += 1

    def _pairs(self, path: Path) -> Iterator[tuple[str, Node]]:
        lines: dict[str, int] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._key(event, path, line)
            if key is None:
                self._pass_over(next(self.events), path, line)
                continue
            value = self.node(next(self.events), (*path, key), line)
            if key in lines:
                self.findings.add(line, (*path, key), f"stands in line {lines[key]} already; keep one")
                continue
            lines[key] = line
            yield key, value

    def _pass_over(self, event: Any, path: Path, line: int) -> None:
        """Reads to the end of a value that nobody wants to hear about."""
        replace(self, findings=Findings(file="")).node(event, (*path, "?"), line)

    def _key(self, event: Any, path: Path, line: int) -> str | None:
        """The key if it is one. A refused one takes its value with it."""
        if not isinstance(event, yaml.ScalarEvent):
            self.findings.add(line, path, "a key is text; a map, a list or an alias (*) cannot be one")
            self._pass_over(event, path, line)
            return None
        if not self._check(event, path, line):
            return None
        if event.style:
            return str(event.value)
        if event.value == "<<":
            self.findings.add(line, path, "merge keys (<<) are not read; write the keys out")
        elif event.value in _NOTHING or event.value in _TRUTH or _FLOAT.match(event.value):
            self.findings.add(line, path, f'a key is text; write it in quotes: "{shown(event.value)}"')
        else:
            return str(event.value)
        return None
