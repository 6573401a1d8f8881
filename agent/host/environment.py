"""The environments of the releases: one for each lock, shared by all releases that have the same, built once by uv."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from .. import lockfile
from ..desired import Spec
from ..includes import Read
from ..names import VenvId
from ..paths import Paths
from ..source import Packages
from . import disk, files, interpreter
from .bytecode import carry_over
from .downloads import Downloads
from .install import install
from .interpreter import Interpreter
from .recipe import Environment, make_environment
from .uv import Uv

DEADLINE = timedelta(minutes=30)
_MARKER = "gitops-vm.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentFacts:
    """`python` is the full version; `lock` is `sha256:<64 hex>`, empty without one; `packages` counts what is installed."""

    python: str
    lock: str
    packages: int


class Environments:
    """All below `paths.venvs`. A directory there counts once it holds the marker, which is written last."""

    def __init__(self, paths: Paths, packages: Packages, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._packages = packages
        self._uv = Uv(environ, paths.packages)
        self._downloads = Downloads(paths.packages)
        self._interpreters: dict[str | None, Interpreter] = {}

    def resolve(self, spec: Spec, read: Read) -> Environment:
        """The environment a release needs, told from the files of the repository alone.

        Raises Stalled for a lock that cannot be used, Broken when the Python asked for is not on this VM.
        """
        asked = spec.python
        lock = lockfile.find(read, directory=spec.source.path, declared=asked.lock)
        if lock:
            lockfile.check(lock, extras=asked.extras, require_hashes=asked.require_hashes)
        python = self._python(asked.version or (lock.requires_python if lock else None))
        return make_environment(spec=spec, lock=lock, python=python, packages=self._packages)

    def files(self, spec: Spec, read: Read) -> dict[str, bytes]:
        """What `resolve` reads: with these it needs no repository."""
        seen: dict[str, bytes] = {}

        def remember(path: str) -> bytes | None:
            data = read(path)
            if data is not None:
                seen[path] = data
            return data

        self.resolve(spec, remember)
        return seen

    def _python(self, request: str | None) -> Interpreter:
        if request not in self._interpreters:
            self._interpreters[request] = interpreter.find(request, self._uv)
        return self._interpreters[request]

    def build(
        self, wanted: Environment, *, deadline: timedelta = DEADLINE, say: Callable[[str], None] = lambda _doing: None
    ) -> None:
        """Install it, unless it is there. Raises AgentError and leaves nothing where that fails or is interrupted.

        `say` is told what is being done.
        """
        venv = self._paths.venv(wanted.id)
        if _is_whole(venv):
            return
        disk.sweep(self._paths.venvs)
        disk.require(venv)
        files.remove(venv)
        try:
            with self._downloads.adding():
                install(wanted, venv, self._uv, self._packages, deadline=deadline, say=say)
                say("making sure that it is on the disk")
                _protect(venv)
                carry_over(venv, map(self._paths.venv, self.complete()))
                disk.settle(venv)
        except BaseException:
            files.remove(venv)
            raise
        files.write(venv / _MARKER, json.dumps(asdict(_facts(wanted, venv))))

    def complete(self) -> frozenset[VenvId]:
        """Those that can be used: built to the end, with their Python still on this VM."""
        return frozenset(venv for venv in self._all() if _is_whole(self._paths.venv(venv)))

    def remains(self) -> frozenset[VenvId]:
        """Those that are there and not complete."""
        return self._all() - self.complete()

    def _all(self) -> frozenset[VenvId]:
        return frozenset(map(VenvId, disk.names(self._paths.venvs)))

    def facts(self, venv: VenvId) -> EnvironmentFacts | None:
        """What is installed there, None where it is not whole."""
        marker = self._paths.venv(venv) / _MARKER
        return EnvironmentFacts(**json.loads(marker.read_text())) if marker.exists() else None

    def remove(self, venvs: Iterable[VenvId]) -> None:
        """Their downloads stay in uv's cache."""
        disk.sweep(self._paths.venvs)
        for venv in venvs:
            files.remove(self._paths.venv(venv))


def _is_whole(venv: Path) -> bool:
    return (venv / _MARKER).exists() and (venv / "bin" / "python").exists()


def _protect(venv: Path) -> None:
    """Take write permission off the files: they are hard links into uv's cache and so into every other environment, and
    there are programs that rewrite their own packages (gradio does). Directories stay writable for `__pycache__`.
    """
    for folder, _, names in os.walk(venv / "lib"):
        for name in names:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and mode & 0o222:
                path.chmod(mode & ~0o222)


def _facts(wanted: Environment, venv: Path) -> EnvironmentFacts:
    installed = venv.glob("lib/python*/site-packages/*.dist-info")
    lock = f"sha256:{wanted.lock.digest}" if wanted.lock else ""
    return EnvironmentFacts(python=wanted.python.version, lock=lock, packages=len(list(installed)))
