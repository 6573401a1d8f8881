"""The releases on the disk: a directory each, whole or not there, and the link `current` that names one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from .. import release as releases
from ..errors import Broken, Reason
from ..names import ReleaseId, VenvId
from ..paths import Paths
from ..release import Release
from . import disk, files, launcher
from .models import Models

_RECORD = "release.json"


class Releases:
    """All below `paths.releases`. A release is built aside and renamed into place: what has its name is whole."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def build(self, release: Release, materialise: Callable[[Path], None]) -> None:
        """Put it on the disk durably, unless it is there. `materialise` fills the new directory it is given with the code."""
        place = self._paths.release(release.id)
        if _read(place) == release:
            return
        disk.sweep(self._paths.releases)
        aside = self._paths.releases / f".{release.id}"
        files.make_directory(aside)
        materialise(aside / "tree")
        if release.spec.launched:
            launcher.put(aside / "launcher")
        Models(self._paths).put(aside / "hub", release.spec.models)
        files.write(aside / _RECORD, releases.dump(release))
        disk.settle(aside)
        files.remove(place)
        aside.rename(place)
        files.sync_directory(self._paths.releases)

    def load(self, venvs: frozenset[VenvId]) -> dict[ReleaseId, Release]:
        """The whole ones: with a record that can be read, and an environment among `venvs`."""
        found = {name: _read(self._paths.release(name)) for name in self._all()}
        return {name: release for name, release in found.items() if release and release.venv in venvs}

    def remains(self, venvs: frozenset[VenvId]) -> frozenset[ReleaseId]:
        """What is there and not whole."""
        return self._all() - self.load(venvs).keys()

    def _all(self) -> frozenset[ReleaseId]:
        return frozenset(map(ReleaseId, disk.names(self._paths.releases)))

    def current(self) -> ReleaseId | None:
        """What a reboot starts, None before the first promotion."""
        link = self._paths.current
        return ReleaseId(link.readlink().name) if link.is_symlink() else None

    def promoted(self) -> datetime | None:
        """Since when `current` names what it names."""
        with suppress(FileNotFoundError):
            return datetime.fromtimestamp(self._paths.current.lstat().st_mtime, UTC)
        return None

    def promote(self, release: ReleaseId) -> None:
        """Make it `current`, at once and durably. Raises Broken where it is not on the disk."""
        place = self._paths.release(release)
        if not place.is_dir():
            raise Broken(Reason.BUILD_FAILED, f"{place} has vanished", hint="gitops-vm reconcile --now")
        files.link(self._paths.current, str(place.relative_to(self._paths.data)))

    def remove(self, names: Iterable[ReleaseId]) -> None:
        """And what their launchers have left in the runtime directory."""
        disk.sweep(self._paths.releases)
        for name in names:
            files.remove(self._paths.release(name))
            files.remove(self._paths.private(name))


def _read(place: Path) -> Release | None:
    try:
        release = releases.load((place / _RECORD).read_text())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return release if release.id == place.name and (place / "tree").is_dir() else None
