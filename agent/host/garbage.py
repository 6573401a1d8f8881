"""What may go from the disk and is not removed by the passes: packages that were downloaded, mirrors of repositories nobody follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..errors import Broken, Reason, Transient
from ..names import VenvId
from ..paths import Paths
from . import disk, files
from .git_errors import public
from .uv import Uv

_DEADLINE = timedelta(minutes=10)


class Garbage:
    """Only the pass that holds worker.lock may remove, and only while nothing is built."""

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._uv = Uv(environ, paths.packages)

    def mirrors(self, *urls: str | None) -> list[Path]:
        """Those of other repositories than these: nobody follows them."""
        followed = {self._paths.mirror(url) for url in urls if url}
        there = (self._paths.mirrors / name for name in disk.names(self._paths.mirrors))
        return sorted(path for path in there if path not in followed)

    def leftovers(self) -> list[Path]:
        """What was half made or half removed when an agent was killed."""
        folders = (self._paths.releases, self._paths.venvs, self._paths.models, self._paths.mirrors)
        return sorted(path for folder in folders for path in folder.glob(".*"))

    def packages(self) -> int:
        """Bytes of downloads that no environment uses."""
        return disk.freed(self._paths.packages)

    def remove(self, paths: list[Path]) -> None:
        for path in paths:
            files.remove(path)

    def prune_packages(self) -> None:
        """Remove the downloads that cannot be used again. Raises Transient."""
        self._clear("prune")

    def drop_packages(self) -> None:
        """Remove all downloads: the next environment downloads anew. Raises Transient."""
        self._clear("clean")

    def make_room(self, wanted: VenvId, begun: datetime) -> bool:
        """Remove downloads that were there at `begun` and that no environment uses; whether that freed anything.

        Once for each environment that is wanted: what does not fit then would be downloaded anew at each further try.
        uv itself calls nothing unused that it could install again, whatever became of the environments (seen: its
        `cache prune` keeps every version). So packages of which a version is in no environment go whole.
        """
        made = self._paths.packages.with_name("room")
        if files.holds(made, wanted):
            return False
        before = self.packages()
        with suppress(Transient):
            self._clear("prune")
            if unused := _unused(self._paths.packages, begun):
                self._clear("clean", *unused)
        with suppress(OSError):  # no room even for that: it is looked once more then
            files.write(made, wanted)
        return self.packages() < before

    def _clear(self, verb: str, *names: str) -> None:
        if not self._paths.packages.exists():
            return
        result = self._uv.run("cache", verb, *names, deadline=_DEADLINE)
        if not result.ok:
            said = public(result.complaint).splitlines() or ["no word"]
            raise Transient(Reason.BUILD_FAILED, f"uv cache {verb}: {said[-1]}", evidence=result.complaint)


def with_room(garbage: Garbage, wanted: VenvId, do: Callable[[], None]) -> None:
    """Where the disk is full, once more with the room that unused downloads took. Nobody else may use uv's cache meanwhile."""
    begun = datetime.now(UTC)
    try:
        with disk.told():
            do()
    except Broken as error:
        if error.reason is not Reason.DISK_FULL:
            raise
        with disk.told():
            if not garbage.make_room(wanted, begun):
                raise
            do()


def _unused(cache: Path, begun: datetime) -> list[str]:
    """Packages with a version, unpacked in uv's cache (of 0.13) before `begun`, no file of which is in an environment."""
    unpacked = [path for path in cache.glob("archive-*/*/*.dist-info") if path.stat().st_ctime < begun.timestamp()]
    return sorted({path.name.partition("-")[0] for path in unpacked if not _is_linked(path.parent)})


def _is_linked(folder: Path) -> bool:
    return any(path.lstat().st_nlink > 1 for path in folder.rglob("*") if path.is_file())
