"""What a person sees: columns and colours on a terminal, plain lines in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_CODES = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


class Terminal:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.colours = sys.stdout.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

    def line(self, text: str = "") -> None:
        print(text, flush=True)  # noqa: T201

    def complain(self, text: str) -> None:
        print(f"gitops-vm: {text}", file=sys.stderr, flush=True)  # noqa: T201

    def progress(self, text: str) -> None:
        """What is being waited for; a pipe or a log has no use for it."""
        if sys.stderr.isatty():
            self.complain(text)

    def json(self, document: Any) -> None:
        self.line(json.dumps(document, indent=2, default=str))

    def paint(self, text: str, colour: str) -> str:
        return f"\033[{_CODES[colour]}m{text}\033[0m" if self.colours else text

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their widest cell; the last one is never padded."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
            self.line("  ".join([*cells, row[-1]]).rstrip())
