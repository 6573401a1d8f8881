"""The status's memory on disk. Unreadable is empty: it costs the history, nothing else."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..status.memory import Memory
from . import files

_MEMORY = TypeAdapter(Memory)


def load(path: Path) -> Memory:
    try:
        return _MEMORY.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Memory()


def save(path: Path, memory: Memory) -> None:
    files.write(path, _MEMORY.dump_json(memory))
