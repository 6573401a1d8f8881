"""From `git push` to the answer of the new revision, with its parts; beside it what a restart alone costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.localvm import LocalVM, server
from tests.repo import Repo, bare_repository

DEPLOYS = 5


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gitops-vm-bench-") as scratch:
        root = Path(scratch)
        remote = bare_repository(root / "remote.git")
        repo = Repo.clone(remote, root / "work")
        with LocalVM(root / "home", str(remote)) as vm:
            _run(vm, repo)


def _run(vm: LocalVM, repo: Repo) -> None:
    repo.deploy("first", {"desired-state.yaml": vm.state(), "server.py": server()})
    vm.start()
    vm.wait_live(repo.head)
    pushes, restarts = [], []
    for number in range(DEPLOYS):
        vm.wait_condition("Ready", "True")
        begun = time.monotonic()
        vm.wait_live(repo.deploy(f"push {number}", {"notes.txt": str(number)}))
        pushes.append(time.monotonic() - begun)
        vm.wait_condition("Ready", "True")
        begun = time.monotonic()
        vm.gitops("restart")
        restarts.append(time.monotonic() - begun)
    push, restart = statistics.median(pushes), statistics.median(restarts)
    print(f"\npush -> live: median {push:.2f} s of {DEPLOYS} (sync.interval 2 s: 1 s of it is waiting on average)")
    print(
        f"`gitops-vm restart` of the same app, start-up of the verb included: {restart:.2f} s; ratio {push / restart:.2f}"
    )
