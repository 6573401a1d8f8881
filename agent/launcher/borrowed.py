"""The packages in `site/`, for an app whose venv lacks them: found last of all, and by their own names only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from . import BORROWED, SITE


class _Finder(MetaPathFinder):
    def __init__(self, site: Path) -> None:
        self._site = str(site)

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [self._site]) if name in BORROWED else None


def lend() -> None:
    """From here on they can be imported; whatever the venv has of the same name wins."""
    sys.meta_path.append(_Finder(Path(__file__).with_name(SITE)))
