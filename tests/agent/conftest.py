from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.localvm import LocalVM, server
from tests.repo import Repo, bare_repository


class Setup(NamedTuple):
    vm: LocalVM
    repo: Repo
    remote: Path


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    """A VM that follows a bare repository on this disk, and a clone to push from."""
    remote = bare_repository(tmp_path / "remote.git")
    repo = Repo.clone(remote, tmp_path / "work")
    with LocalVM(tmp_path / "home", str(remote)) as vm:
        yield Setup(vm, repo, remote)


@pytest.fixture
def deployed(setup: Setup) -> Setup:
    """The same with a first release that runs, and the daemon at work."""
    first = setup.repo.deploy("one", {"desired-state.yaml": setup.vm.state(), "server.py": server()})
    setup.vm.start()
    setup.vm.wait_live(first)
    setup.vm.wait_condition("Ready", "True")
    return setup
