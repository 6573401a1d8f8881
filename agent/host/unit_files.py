"""The unit files of this user on disk: what they have to be, and making them so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..names import ReleaseId
from ..unit import Unit
from ..unit_file import SOCKET, WAKE, drop_in, listen_drop_in
from . import files

_STATIC = ("gitops-agent.service", "gitops-app@.service", "gitops-app-boot.service", WAKE, SOCKET)
_RELEASE = "release.conf"
_PACKAGE = Path(__file__).parents[1]


class UnitFiles:
    """In `root`, where the user manager reads them. The directories of our drop-ins are ours alone; what an operator adds

    with `systemctl --user edit gitops-app@.service` (a directory of the template, not of an instance) stays.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listen = root / f"{SOCKET}.d" / "listen.conf"

    def are_exact(self, unit: Unit) -> bool:
        right = all(files.holds(path, text) for path, text in self._wanted(unit).items())
        return right and not self._strangers(unit.release)

    def listens_right(self, unit: Unit) -> bool:
        """Whether the socket unit has the address of this one."""
        return unit.listen is not None and files.holds(self._listen, listen_drop_in(unit.listen))

    def listens_on(self, port: int) -> bool:
        """Whether the socket unit's address has this port."""
        text = self._listen.read_text(errors="replace") if self._listen.is_file() else ""
        return any(line.startswith("ListenStream=") and line.endswith(f":{port}") for line in text.splitlines())

    def write(self, unit: Unit) -> None:
        for path in self._strangers(unit.release):
            files.remove(path)
        for path, text in self._wanted(unit).items():
            if not files.holds(path, text):
                files.write(path, text, mode=0o644)

    def forget(self, release: ReleaseId) -> None:
        files.remove(self._directory(release))

    def releases(self) -> frozenset[ReleaseId]:
        """Those that have a drop-in."""
        names = (path.name for path in self._root.glob("gitops-app@?*.service.d"))
        return frozenset(ReleaseId(name.removeprefix("gitops-app@").removesuffix(".service.d")) for name in names)

    def text(self, release: ReleaseId) -> str:
        """The drop-in of a release as it is on disk; empty without one."""
        path = self._directory(release) / _RELEASE
        return path.read_text(errors="replace") if path.is_file() else ""

    def _wanted(self, unit: Unit) -> Mapping[Path, str]:
        wanted = {self._root / name: _static(name) for name in _STATIC}
        wanted[self._directory(unit.release) / _RELEASE] = drop_in(unit)
        if unit.listen:
            wanted[self._listen] = listen_drop_in(unit.listen)
        return wanted

    def _strangers(self, release: ReleaseId) -> Iterable[Path]:
        """Files in our own directories that are not ours: an override is drift."""
        ours = {self._directory(release) / _RELEASE, self._listen}
        found = [*self._directory(release).glob("*"), *self._listen.parent.glob("*")]
        return [path for path in found if path not in ours]

    def _directory(self, release: ReleaseId) -> Path:
        return self._root / f"gitops-app@{release}.service.d"


def _static(name: str) -> str:
    """As it was installed with this package, or as it is in the checkout."""
    installed = _PACKAGE / "systemd" / name
    return (installed if installed.is_file() else _PACKAGE.parent / "systemd" / name).read_text()
