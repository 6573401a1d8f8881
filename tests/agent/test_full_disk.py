"""Somebody fills the disk in the middle of a rollout: what serves goes on serving, and room is all that it takes to go on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.host import disk
from tests.agent.conftest import Setup
from tests.agent.test_handover import answered, confirmed, failures, live, page, rollout_on, state, visitors
from tests.localvm import LocalVM
from tests.loopdisk import fill, filled, formatted
from tests.process import Failed
from tests.repo import Repo, bare_repository
from tests.slowpackage import SlowPackage
from tests.waiting import wait_for

ACCEPTANCE = os.environ.get("GITOPS_VM_ACCEPTANCE") == "1"
MOMENTS = ("its unit is written", "the release is there", "it is started", "it is promoted", "it has the traffic")
MEGA = 1024**2
QUICKLY = ", retry: {limit: 100, backoff: {duration: 1s, maxDuration: 2s}}"
FULL = "the disk is full"


class Small(NamedTuple):
    """A VM whose data lie on a disk of their own, at `place`; its runtime directory and journal do not, as with systemd."""

    setup: Setup
    place: Path

    def deploy(self, message: str, files: Mapping[str, str | bytes] | None = None) -> str:
        """A push that is tried again soon where it fails; its revision."""
        vm, repo, _ = self.setup
        pushed = {"desired-state.yaml": state(vm, rollout=QUICKLY), "page.py": f"# {message}\n{page()}"}
        return repo.deploy(message, {**pushed, **(files or {})})


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """A first release is confirmed there."""
    top = tmp_path_factory.mktemp("small")
    remote = bare_repository(top / "remote.git")
    repo = Repo.clone(remote, top / "work")
    with formatted(top / "disk.img", top / "disk") as place, LocalVM(place / "vm", str(remote)) as vm:
        (top / "run").mkdir()
        for name in ("run", "daemon.log"):
            (vm.home / name).symlink_to(top / name)
        small = Small(Setup(vm, repo, remote), place)
        small.deploy("one")
        vm.start()
        wait_for(lambda: answered(vm), "the first release")
        confirmed(vm)
        yield small


@contextmanager
def unnoticed(small: Small, folder: Path) -> Iterator[None]:
    """What is pushed in the block is live and confirmed at its end, no visitor has noticed, and nothing half made is left."""
    vm, repo, _ = small.setup
    with visitors(vm, folder) as told:
        yield
        live(vm, repo.head)
        confirmed(vm)
    assert failures(told) == []
    wait_for((vm.home / "state" / "ballast").exists, "the room that was spent to be kept again")
    places = ("releases", "venvs", "mirrors", "state", "supervisor/units")
    assert [path for each in places for path in (vm.home / each).glob(".*")] == []


def test_a_fetch_waits_for_room_and_says_so(small: Small, tmp_path: Path) -> None:
    vm, repo, _ = small.setup
    before = repo.head
    with unnoticed(small, tmp_path), filled(small.place):
        small.deploy("fetched late")
        failed = vm.wait_condition("FetchFailed", "True", "DiskFull")
        assert "500 MiB are needed; gitops-vm gc --cache frees" in failed["message"]
        assert answered(vm) == before


def test_an_environment_waits_for_room_and_says_so(small: Small, tmp_path: Path) -> None:
    vm, repo, _ = small.setup
    slow = SlowPackage(tmp_path / "slow")
    with unnoticed(small, tmp_path):
        small.deploy("installed late", {"requirements.txt": slow.requirement})
        wait_for(lambda: slow.has_begun, "the build to begin")
        with filled(small.place):
            slow.finish()
            assert FULL in vm.wait_condition("Stalled", "True", "DiskFull")["message"]
            wait_for(lambda: "DiskFull" in repo.log("status/vm-1")[0], "the branch to tell it", unless=(Failed,))


def test_the_code_of_a_release_waits_for_room_and_says_so(small: Small, tmp_path: Path) -> None:
    vm, _, _ = small.setup
    with unnoticed(small, tmp_path), filled(small.place, leaving=disk.RESERVE + 16 * MEGA):
        small.deploy("large", {"data": bytes(16 * MEGA)})
        assert FULL in vm.wait_condition("Stalled", "True", "DiskFull")["message"]


@pytest.mark.parametrize("moment", MOMENTS if ACCEPTANCE else MOMENTS[:1])
def test_a_disk_that_somebody_keeps_full_stops_what_is_left_of_a_rollout_and_nothing_else(
    small: Small, tmp_path: Path, moment: str
) -> None:
    """Whatever the agent frees is gone at once: units, records, `current` and status, none of them can be written."""
    rollout, log = rollout_on(small.setup.vm), small.setup.vm.home / "daemon.log"
    with unnoticed(small, tmp_path):
        small.deploy(moment)
        rollout.wait_for(moment)
        said = log.read_text().count(FULL)
        with _kept_full(small.place):
            wait_for(lambda: log.read_text().count(FULL) > said, "a pass that could write nothing")


@contextmanager
def _kept_full(place: Path) -> Iterator[None]:
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(0.001):
            fill(place)

    thread = threading.Thread(target=go_on)
    with filled(place):
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
