"""The app's own venvs, built by uv from its locks once and kept in `.cache/venvs` under a digest of what is in them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.process import Failed, run
from tests.vm.locks import exclusively

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "venvs"
DEADLINE = timedelta(minutes=5)


def python_for(lock: str) -> Path:
    """The interpreter of the venv for `requirements/<lock>.txt`. Skips the test when no package index can be reached."""
    requirements = ROOT / "requirements" / f"{lock}.txt"
    return _python(lock, requirements.read_bytes(), sys.executable, "--require-hashes", "-r", requirements)


def python_with(name: str, *packages: str, interpreter: str = sys.executable) -> Path:
    """The same of a venv with these packages and what they need, for an app that only a test has."""
    return _python(name, " ".join(packages).encode(), interpreter, *packages)


def _python(name: str, content: bytes, interpreter: str, *packages: str | Path) -> Path:
    version = run(interpreter, "-VV").encode()
    place = CACHE / f"{name}-{hashlib.sha256(content + version).hexdigest()[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with exclusively(CACHE / f"{name}.lock"):
        if not (place / "complete").exists():
            _build(place, interpreter, packages)
    return place / "bin" / "python"


def _build(place: Path, interpreter: str, packages: tuple[str | Path, ...]) -> None:
    shutil.rmtree(place, ignore_errors=True)
    environment = os.environ | find_links()
    run(_uv(), "venv", "--quiet", "--python", interpreter, place, within=DEADLINE)
    target = ("--python", place / "bin" / "python")
    try:
        run(_uv(), "pip", "install", "--quiet", *target, *packages, env=environment, within=DEADLINE)
    except Failed as failure:
        shutil.rmtree(place)
        pytest.skip(f"THE APP'S VENV {place.name} CANNOT BE BUILT: {failure.err.strip()[-300:]}")
    (place / "complete").touch()


def _uv() -> Path:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("NO uv: run `make test`, which installs it, or put uv on the PATH")
    return Path(found)


def find_links() -> dict[str, str]:
    """uv does not read pip's configuration: hand on the folder of wheels that holds torch for CPUs."""
    if "UV_FIND_LINKS" in os.environ:
        return {}
    configured = run(sys.executable, "-m", "pip", "config", "list")
    found = re.search(r"find-links='([^']*)'", configured)
    return {"UV_FIND_LINKS": found[1]} if found else {}
