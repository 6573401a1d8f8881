"""The launcher of a release: our program and the few pure-Python packages it needs, linked into the release.

It runs under the app's Python, which has nothing of ours, and it is part of the release: an update of the agent changes
nothing about what was probed and confirmed, and going back brings its launcher back as well.
"""

from __future__ import annotations

import os
import shutil
from importlib.metadata import files as files_of
from pathlib import Path

from ..launcher import BORROWED, SITE

_PACKAGE = Path(__file__).parents[1] / "launcher"


def put(place: Path) -> None:
    """Fill a new directory with it."""
    for source in _PACKAGE.rglob("*.py"):
        _link(source, place / source.relative_to(_PACKAGE))
    for distribution in BORROWED:
        for file in files_of(distribution) or ():
            source = Path(str(file.locate()))
            # Records name files that an installer left out (sdnotify's setup.py), and programs beside the packages.
            if file.suffix in (".py", ".pyc") and ".." not in file.parts and source.is_file():
                _link(source, place / SITE / file)


def _link(source: Path, place: Path) -> None:
    """A hard link costs no disk; where there can be none (another file system), a copy."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)
