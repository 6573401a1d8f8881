"""Which file says what to install, and everything it refers to. Pure: files are read through a function that is given."""

from __future__ import annotations

import hashlib
import posixpath
import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .errors import Reason, Stalled
from .includes import Read, with_includes

OURS = "gitops-vm"
"""The project whose dependencies are the agent's: never taken for an app's."""


class Kind(StrEnum):
    UV = "uv.lock"
    PYLOCK = "pylock.toml"
    REQUIREMENTS = "requirements.txt"
    PROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """`path` and the keys of `files` count from the repository's root; `files` are all that the installer reads."""

    kind: Kind
    path: str
    files: tuple[tuple[str, bytes], ...]

    @property
    def digest(self) -> str:
        """64 hex digits: the same files with the same content, and no others."""
        parts = [self.kind.encode(), *(part for path, data in self.files for part in (path.encode(), data))]
        return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()

    @property
    def is_pinned(self) -> bool:
        """A requirement file that names the version and hash of everything: no index can change what it means."""
        text = b"\n".join(data for _, data in self.files).replace(b"\\\n", b" ")
        named = re.findall(rb"^[A-Za-z0-9].*", text, re.MULTILINE)
        exact = all(b"==" in line and b"--hash=sha256:" in line for line in named)
        return self.kind is Kind.REQUIREMENTS and bool(named) and exact

    @property
    def requires_python(self) -> str | None:
        """What the project or the lock asks for, such as `>=3.12`; requirement files ask for nothing."""
        if self.kind is Kind.REQUIREMENTS:
            return None
        document = _toml(self.path, dict(self.files)[self.path])
        asked = document.get("project", {}).get("requires-python") or document.get("requires-python")
        return asked if isinstance(asked, str) else None


def find(read: Read, *, directory: str, declared: str | None) -> Lock | None:
    """The lock that `declared` names, else the first by name, each in `directory` and then at the root.

    None where there is none: an app without dependencies. Raises Stalled for one that cannot be used.
    """
    places = dict.fromkeys((posixpath.normpath(directory), "."))
    for place in places:
        for name in (declared,) if declared else Kind:
            path = posixpath.normpath(posixpath.join(place, name))
            data = read(path)
            if data is not None and (declared or _is_for_apps(read, path, data)):
                return _lock(read, path, data)
    if declared:
        raise _stalled(f"python.lock: {declared} is not in the repository, neither in {directory} nor at the root")
    return None


def check(lock: Lock, *, extras: tuple[str, ...], require_hashes: bool) -> None:
    """Raises Stalled for what this kind of lock cannot do."""
    if extras and lock.kind is Kind.REQUIREMENTS:
        raise _stalled(f"python.extras: {lock.path} has no extras; name a file for each set, or use uv.lock")
    if require_hashes and lock.kind is Kind.PROJECT:
        raise _stalled(f"python.requireHashes: {lock.path} pins nothing; write a lock: uv lock")


def _is_for_apps(read: Read, path: str, data: bytes) -> bool:
    folder, name = posixpath.split(path)
    if name == Kind.UV:
        beside = posixpath.join(folder, Kind.PROJECT)
        return _project(beside, read(beside) or b"").get("name") != OURS
    if name == Kind.PROJECT:
        project = _project(path, data)
        return bool(project) and project.get("name") != OURS
    return True


def _lock(read: Read, path: str, data: bytes) -> Lock:
    kind = _kind(posixpath.basename(path))
    if kind is Kind.REQUIREMENTS:
        return Lock(kind=kind, path=path, files=tuple(with_includes(read, path, data)))
    if kind is Kind.PROJECT and "dependencies" in _project(path, data).get("dynamic", ()):
        raise _stalled(f"{path}: its dependencies are dynamic; write a lock: uv lock")
    if kind is not Kind.UV:
        return Lock(kind=kind, path=path, files=((path, data),))
    beside = posixpath.join(posixpath.dirname(path), Kind.PROJECT)
    project = read(beside)
    if project is None:
        raise _stalled(f"{path} needs the pyproject.toml it was made from beside it")
    return Lock(kind=kind, path=path, files=((path, data), (beside, project)))


def _kind(name: str) -> Kind:
    if re.fullmatch(r"pylock(\..+)?\.toml", name):  # the names PEP 751 allows
        return Kind.PYLOCK
    return Kind(name) if name in {Kind.UV, Kind.PROJECT} else Kind.REQUIREMENTS


def _project(path: str, data: bytes) -> dict[str, Any]:
    project = _toml(path, data).get("project", {})
    return project if isinstance(project, dict) else {}


def _toml(path: str, data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except ValueError as error:
        raise _stalled(f"{path}: {error}") from error


def _stalled(message: str) -> Stalled:
    return Stalled(Reason.BUILD_FAILED, message)
