"""One suite, three backends. `pytest tests/contract --backend=systemd` runs it on the user manager of whoever types it;

tests/vm/test_services.py does so in a real Debian. Without the option: in memory and on the embedded supervisor.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.harness import Harness, MemoryHarness
from tests.contract.real import RealHarness
from tests.localvm import ROOT

REAL = ("embedded", "systemd")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backend", choices=("memory", *REAL), help="run the contract suite on this one only")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    other = collection_path.name == "test_systemd.py" and config.getoption("--backend", default=None) != "systemd"
    return True if other else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    asked = metafunc.config.getoption("--backend", default=None)
    backends = [asked] if asked else ["memory", "embedded"]
    if "harness" in metafunc.fixturenames:
        metafunc.parametrize("harness", backends, indirect=True)
    if "real" in metafunc.fixturenames:
        metafunc.parametrize("real", [each for each in backends if each in REAL], indirect=True)


@pytest.fixture
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    """Any backend: claims that need no real process."""
    made = MemoryHarness() if request.param == "memory" else _real(request.param, tmp_path)
    yield made
    made.end()


@pytest.fixture
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealHarness]:
    """A backend with real processes, ports and files."""
    made = _real(request.param, tmp_path)
    yield made
    made.end()


@pytest.fixture
def agent(real: RealHarness) -> Iterator[None]:
    """The agent's Python where the unit that visitors wake looks for it; only systemd's does."""
    python = real.paths.data / "agent" / "current" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    yield
    python.unlink()


def _real(backend: str, home: Path) -> RealHarness:
    if backend == "systemd":
        return RealHarness(os.environ)
    return RealHarness(os.environ | {"GITOPS_VM_HOME": str(home), "GITOPS_VM_SUPERVISOR": "embedded"})
