"""What may go from the disk and is not removed by the passes: packages that were downloaded, mirrors of repositories nobody follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from ..errors import Reason, Transient
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

    def _clear(self, verb: str) -> None:
        if not self._paths.packages.exists():
            return
        result = self._uv.run("cache", verb, deadline=_DEADLINE)
        if not result.ok:
            said = public(result.complaint).splitlines() or ["no word"]
            raise Transient(Reason.BUILD_FAILED, f"uv cache {verb}: {said[-1]}", evidence=result.complaint)
