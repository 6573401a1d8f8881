"""Bytecode of packages that did not change: what the programs of one environment have compiled, the next one need not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import source_from_cache
from pathlib import Path


def carry_over(venv: Path, others: Iterable[Path]) -> int:
    """Link into `venv` what the others have of files that are the very same there; how many that were.

    Python takes bytecode whose source has the size and time of modification it was compiled from: a hard link has. It
    replaces bytecode and never writes into it, so that no environment can change another's.
    """
    return sum(_take(compiled, other, venv) for other in others for compiled in _compiled(other))


def _compiled(venv: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(venv / "lib"):
        if folder.endswith("__pycache__"):
            folders.clear()
            yield from (Path(folder, name) for name in names if name.endswith(".pyc"))


def _take(compiled: Path, other: Path, venv: Path) -> bool:
    with suppress(
        OSError, ValueError
    ):  # a name that is none of bytecode, a source that is gone, bytecode that is there
        source = Path(source_from_cache(compiled))
        if source.samefile(venv / source.relative_to(other)):
            target = venv / compiled.relative_to(other)
            target.parent.mkdir(exist_ok=True)
            target.hardlink_to(compiled)
            return True
    return False
