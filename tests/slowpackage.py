"""A package whose build waits for a file, as one that compiles for an hour would."""

from __future__ import annotations

from pathlib import Path

from tests.process import run
from tests.repo import ALONE, Repo

PROJECT = """\
[project]
name = "slowpkg"
version = "1"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
import pathlib, time, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    pathlib.Path({begun!r}).touch()
    while not pathlib.Path({gate!r}).exists():
        time.sleep(0.05)
    name = "slowpkg-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory, name), "w") as wheel:
        wheel.writestr("slowpkg.py", "")
        wheel.writestr("slowpkg-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: slowpkg\\nVersion: 1\\n")
        wheel.writestr("slowpkg-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("slowpkg-1.dist-info/RECORD", "")
    return name
"""


class SlowPackage:
    """`requirement` is a line for a requirements file; its build ends once `finish` was called."""

    def __init__(self, folder: Path) -> None:
        run("git", "init", "--quiet", "--initial-branch=main", folder, env=ALONE)
        self._begun, self._gate = folder.with_suffix(".begun"), folder.with_suffix(".gate")
        backend = BACKEND.format(begun=str(self._begun), gate=str(self._gate))
        Repo(folder, {}).commit("slow", {"pyproject.toml": PROJECT, "backend.py": backend})
        self.requirement = f"slowpkg @ git+file://{folder}\n"

    @property
    def has_begun(self) -> bool:
        return self._begun.exists()

    def forget(self) -> None:
        """Forget that it has begun: the next time shows again."""
        self._begun.unlink()

    def finish(self) -> None:
        self._gate.touch()
