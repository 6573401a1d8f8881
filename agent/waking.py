"""What a file that has changed means to the resident."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto
from pathlib import Path

from .paths import Paths


class Wake(Enum):
    ECHO = auto()  # most likely what our own worker did to the units
    LOOK = auto()  # a pass is wanted: what was built is whole, or has failed
    ASK = auto()  # somebody wants something: the remotes are asked as well, and the newest answer counts


def wake_of(changed: Collection[Path], paths: Paths, *, ours: bool) -> Wake:
    """`ours`: a worker runs, or has just ended. The end of a build is no person's wish, and ends no waiting for the last
    of many pushes.
    """
    others = [path for path in changed if not path.is_relative_to(paths.ends)]
    wished = not ours or any(not path.is_relative_to(paths.units) for path in others)
    if others and wished:
        return Wake.ASK
    return Wake.LOOK if len(others) < len(changed) else Wake.ECHO
