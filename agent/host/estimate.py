"""Whether an installation can fit at all, told before anything is fetched: uv.lock and pylock.toml say how large their files are.

A requirement file says nothing of sizes, and neither does uv before it fetches: there the disk is watched while it installs.
"""

from __future__ import annotations

import platform
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..lockfile import Kind, Lock
from . import disk
from .command import Result

_PLANNED = re.compile(r"^ \+ (\S+)==(\S+)", re.MULTILINE)  # as uv's dry run writes it, of 0.13
_LIST = {Kind.UV: "package", Kind.PYLOCK: "packages"}


def has_sizes(lock: Lock) -> bool:
    return lock.kind in _LIST


def refuse_what_cannot_fit(lock: Lock, rehearsal: Result, venv: Path, cache: Path) -> None:
    """Raises Broken where even the packed files are more than what is free. `rehearsal` is the dry run of the installation.

    What was downloaded before is taken for part of them: it is looked at only where that decides.
    """
    needed = least(lock, rehearsal.stderr.decode(errors="replace"))
    if not disk.has_room(venv, needed):
        disk.require(
            venv, max(0, needed - disk.freed(cache, venv.parent)), f"{lock.path} takes {needed // 2**20} MiB or more: "
        )


def least(lock: Lock, rehearsal: str) -> int:
    """Bytes of the files that will be installed on this machine; nothing for one whose size the lock does not tell."""
    sizes = _sizes(tomllib.loads(dict(lock.files)[lock.path].decode()).get(_LIST[lock.kind], ()))
    return sum(sizes.get(planned, 0) for planned in _PLANNED.findall(rehearsal))


def _sizes(packages: list[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """Of the smallest file that may be the one, by name and version: a lock may hold a version more than once."""
    sizes: dict[tuple[str, str], int] = {}
    for package in packages:
        name = package.get("name", ""), package.get("version", "")
        sizes[name] = min(sizes.get(name, 2**63), *_candidates(package))
    return sizes


def _candidates(package: Mapping[str, Any]) -> Iterator[int]:
    wheels = [each.get("size", 0) for each in package.get("wheels", ()) if _is_for_this_machine(each)]
    yield from wheels or [package.get("sdist", {}).get("size", 0)]


def _is_for_this_machine(wheel: Mapping[str, Any]) -> bool:
    """By the platform at the end of its name; one without a name may be."""
    name = str(wheel.get("name") or wheel.get("url") or wheel.get("path") or "")
    tag = name.removesuffix(".whl").rpartition("-")[2]
    return tag in ("", "any") or ("linux" in tag and platform.machine() in tag)
