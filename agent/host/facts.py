"""What the status says of the agent itself: read off its process and its files."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from ..status.facts import Agent, Item
from . import proc


def agent_facts(pid: int, *, version: str, revision: str | None) -> Agent:
    """Of the resident daemon `pid`."""
    return Agent(version=version, revision=revision, start_time=proc.start_time(pid), rss=proc.rss(pid))


def installed_as() -> str | None:
    """Bootstrap installs the agent as `agent/releases/<version>-<digest of its files>`; None where it runs from a checkout."""
    place = Path(sys.prefix)
    return place.name.rpartition("-")[2] if place.parent.name == "releases" else None


def inventory(paths: Iterable[Path], root: Path) -> tuple[Item, ...]:
    """The unit files that exist, named by their place below `root`; sorted."""
    found = sorted(path for path in paths if path.is_file())
    return tuple(
        Item(
            id=f"systemd_user_{path.relative_to(root)}",
            digest=f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
        )
        for path in found
    )
