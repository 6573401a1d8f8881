"""What was told before, on disk: one file for each thing that is watched, gone once there is nothing to remember."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..alarm import Memory, Told
from . import files


def load(path: Path) -> Memory:
    """An empty one where there is no file, or one that this program did not write."""
    try:
        return _memory(json.loads(path.read_text()))
    except FileNotFoundError:
        return Memory()
    except (ValueError, KeyError, TypeError, AttributeError):
        return Memory()


def store(path: Path, memory: Memory) -> None:
    """Durably. Raises OSError."""
    if memory == Memory():
        files.remove(path)
    else:
        files.write(path, json.dumps(_document(memory)))


def _memory(document: Mapping[str, Any]) -> Memory:
    told = {
        name: Told(at=tuple(_instant(at) for at in each["at"]), open=each["open"] is True)
        for name, each in document["told"].items()
    }
    return Memory(since=_instant(document["since"]) if document["since"] else None, told=told)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant without its zone")
    return at


def _document(memory: Memory) -> dict[str, Any]:
    told = {name: {"at": [at.isoformat() for at in each.at], "open": each.open} for name, each in memory.told.items()}
    return {"since": memory.since and memory.since.isoformat(), "told": told}
