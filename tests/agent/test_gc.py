"""`gitops-vm gc`: what nobody uses goes, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agent.conftest import Setup
from tests.localvm import LocalVM, server
from tests.slowpackage import SlowPackage
from tests.waiting import wait_for

MEGA = 1024**2


@pytest.fixture
def vm(setup: Setup) -> LocalVM:
    """A release that runs, and beside it an environment, a mirror and a leftover that nobody uses, 1 MiB each."""
    setup.repo.deploy("one", {"desired-state.yaml": setup.vm.state(), "server.py": server()})
    setup.vm.gitops("reconcile")
    for path in unused(setup.vm):
        path.mkdir()
        (path / "data").write_bytes(b"x" * MEGA)
    return setup.vm


def unused(vm: LocalVM) -> list[Path]:
    return [vm.home / "venvs" / "0123456789abcdef", vm.home / "mirrors" / "stale.git", vm.home / "releases" / ".half"]


def parts(vm: LocalVM, *words: str) -> dict[str, dict[str, Any]]:
    told = json.loads(vm.gitops("gc", "--json", *words))
    return {each["what"]: each for each in told["parts"]}


def test_a_dry_run_says_what_would_go_and_removes_nothing(vm: LocalVM) -> None:
    told = parts(vm, "--dry-run")

    assert told["environments"]["names"] == ["0123456789abcdef"]
    assert told["repositories"]["names"] == ["stale.git"]
    assert told["leftovers"]["names"] == [".half"]
    assert told["releases"]["names"] == []
    assert all(MEGA <= told[each]["bytes"] < 2 * MEGA for each in ("environments", "repositories", "leftovers"))
    assert all(path.exists() for path in unused(vm))
    assert vm.gitops("gc", "--dry-run").splitlines()[-1].startswith("would free 3.")


def test_it_removes_that_and_the_app_runs_on(setup: Setup, vm: LocalVM) -> None:
    before = vm.app_pid

    assert vm.gitops("gc").splitlines()[-1].startswith("freed 3.")

    assert not [path for path in unused(vm) if path.exists()]
    assert all(each["names"] == [] for each in parts(vm, "--dry-run").values())
    assert vm.app_pid == before
    assert vm.code("plan") == 0
    two = setup.repo.deploy("two")
    vm.gitops("reconcile")
    assert vm.get() == two


def test_all_downloads_go_where_that_is_asked_for(vm: LocalVM) -> None:
    cache = vm.home / "cache" / "uv"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
    (cache / "simple-v99").mkdir()
    (cache / "simple-v99" / "download").write_bytes(b"x" * MEGA)

    assert parts(vm, "--dry-run")["downloads"]["bytes"] is None
    assert parts(vm, "--dry-run", "--cache")["downloads"]["bytes"] >= MEGA
    assert parts(vm, "--cache")["downloads"]["bytes"] >= MEGA
    assert not (cache / "simple-v99").exists()
    assert vm.code("plan") == 0


def test_while_something_is_built_nothing_is_removed(deployed: Setup, tmp_path: Path) -> None:
    package = SlowPackage(tmp_path / "slow")
    try:
        pushed = deployed.repo.deploy("slow", {"requirements.txt": package.requirement})
        wait_for(lambda: package.has_begun, "the build to begin")
        assert deployed.vm.code("gc", "--cache") == 1
    finally:
        package.finish()
    deployed.vm.wait_live(pushed)
