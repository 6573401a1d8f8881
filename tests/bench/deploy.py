"""From `git push` to the answer of the new revision, with its parts; beside it what a restart alone costs, and a change of packages."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from tests.app.venvs import find_links
from tests.localvm import ROOT, LocalVM
from tests.repo import Repo, bare_repository

DEPLOYS = 5
PAGE = """\
import os

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": os.environ["REVISION"].encode()})
"""
LOCK = ROOT / "requirements" / "api.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Seconds, one after the other. Each ends when a file is written."""

    seen: float  # the poll comes, and the revision is fetched
    built: float  # its release lies on the disk whole
    started: float  # the app's own start: until its private socket is there
    promoted: float  # its probe is answered, and a reboot would start it
    answers: float  # a visitor meets it

    @property
    def total(self) -> float:
        return sum(getattr(self, each.name) for each in fields(self))

    @property
    def ours(self) -> float:
        """What is neither the waiting for the poll nor the app's own start."""
        return self.total - self.seen - self.started


def main() -> None:
    with _vm() as (vm, repo):
        _code(vm, repo)
        _packages(vm, repo)


@contextmanager
def _vm() -> Iterator[tuple[LocalVM, Repo]]:
    with tempfile.TemporaryDirectory(prefix="gitops-vm-bench-") as scratch:
        root = Path(scratch)
        remote = bare_repository(root / "remote.git")
        repo = Repo.clone(remote, root / "work")
        with LocalVM(root / "home", str(remote), environment=find_links()) as vm:
            state = (
                vm.state().replace("exec: python server.py", "asgi: page:app").replace("timeout: 8s", "timeout: 60s")
            )
            repo.deploy("first", {"desired-state.yaml": state, "page.py": PAGE, "requirements.txt": LOCK.read_text()})
            vm.start()
            vm.wait_live(repo.head)
            yield vm, repo


def _code(vm: LocalVM, repo: Repo) -> None:
    parts, restarts = [], []
    for number in range(DEPLOYS):
        vm.wait_condition("Ready", "True")
        parts.append(_push(vm, repo, {"notes.txt": str(number)}))
        vm.wait_condition("Ready", "True")
        begun = time.monotonic()
        vm.gitops("restart")
        restarts.append(time.monotonic() - begun)
    print(f"\npush -> live of a code change, {DEPLOYS} times (sync.interval 2 s), medians in seconds:")
    print("  " + "  ".join(f"{each.name} {_median(parts, each.name):.2f}" for each in fields(Parts)))
    total, ours, restart = _median(parts, "total"), _median(parts, "ours"), statistics.median(restarts)
    print(f"  together {total:.2f}; without the poll and the app's own start {ours:.2f}")
    print(
        f"  `gitops-vm restart` of the same app, start-up of the verb included: {restart:.2f}; ratio {total / restart:.2f}"
    )


def _packages(vm: LocalVM, repo: Repo) -> None:
    """Another environment of the app's api set each time, every package of it in uv's cache: a comment makes it another."""
    code = [_push(vm, repo, {"notes.txt": f"once more {number}"}) for number in range(DEPLOYS)]
    changed = [_push(vm, repo, {"requirements.txt": f"{LOCK.read_text()}# {number}\n"}) for number in range(DEPLOYS)]
    before, after = _median(code, "built"), _median(changed, "built")
    print(
        f"a change of packages with a warm cache (requirements/api.txt): {after - before:.2f} s more until it is built"
    )


def _push(vm: LocalVM, repo: Repo, files: dict[str, str]) -> Parts:
    vm.wait_condition("Ready", "True")
    begun = time.time()
    revision = repo.deploy("another", files)
    vm.wait_live(revision)
    live = time.time()
    release = next(path.parent for path in vm.home.glob("releases/*/release.json") if revision in path.read_text())
    written = [
        max(path.stat().st_mtime for path in vm.home.glob("mirrors/*/refs/gitops-vm/tracked/*")),
        (release / "release.json").stat().st_mtime,
        (vm.home / "run" / "launched" / release.name / "http").stat().st_mtime,
        (vm.home / "current").lstat().st_mtime,
        live,
    ]
    moments = [begun, *written]
    return Parts(**{each.name: moments[at + 1] - moments[at] for at, each in enumerate(fields(Parts))})


def _median(parts: list[Parts], name: str) -> float:
    return statistics.median(getattr(each, name) for each in parts)
