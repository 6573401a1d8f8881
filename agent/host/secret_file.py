"""KEY=value lines in a file of mode 0600."""

from __future__ import annotations

from pathlib import Path

from ..errors import Broken, Reason

_OTHERS = 0o077


def read(path: Path) -> dict[str, str]:
    """Raises Broken for a file that others may read, OSError for one that cannot be. Quotes around a value are no part of it."""
    if path.stat().st_mode & _OTHERS:
        raise Broken(Reason.INVALID_SOURCE, f"others may read {path}", hint=f"chmod 600 {path}")
    pairs = (line.partition("=") for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    return {key.strip().removeprefix("export "): value.strip().strip("\"'") for key, mark, value in pairs if mark}
