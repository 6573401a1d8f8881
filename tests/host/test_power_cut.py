"""A power cut loses what was not flushed: ext4 on a file whose copy is all that is left, while the agent's own code writes."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.host.generations import Generations
from tests.loopdisk import formatted, mounted
from tests.process import Background, Failed, descendants, run
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
CUTS = 30 if os.environ.get("GITOPS_VM_ACCEPTANCE") == "1" else 4
SEED = int(os.environ.get("GITOPS_VM_SEED", str(random.randrange(10**6))))  # noqa: S311 - no secret
LATEST = 1.5
"""Seconds between two cuts, at most."""
COMMIT = 1
"""Seconds after which ext4 writes down names and sizes, whether or not the contents are on the disk yet."""


@pytest.mark.parametrize("mounted_with", ["auto_da_alloc", "noauto_da_alloc"])
def test_after_a_power_cut_at_any_moment_all_that_counts_is_whole(mounted_with: str, tmp_path: Path) -> None:
    """`noauto_da_alloc`: without the favour that ext4 does to programs which rename and do not flush."""
    moments = random.Random(f"{SEED} {mounted_with}")  # noqa: S311 - no secret
    disk, wheels, acknowledged = tmp_path / "disk.img", tmp_path / "wheels", tmp_path / "acknowledged"
    wheels.mkdir()
    with formatted(disk, tmp_path / "before", f"commit={COMMIT}", mounted_with) as home:
        writer = Background(
            *(sys.executable, "-m", "tests.host.generations", home, wheels, acknowledged),
            log=tmp_path / "log",
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            wait_for(lambda: acknowledged.exists() or not writer.running, "the first generation")
            for number in range(CUTS):
                time.sleep(moments.uniform(0, LATEST))
                assert writer.running, (tmp_path / "log").read_text()
                with _stopped(writer):
                    time.sleep(moments.choice((0, 1.5 * COMMIT)))
                    _copy(disk, left := tmp_path / f"left-{number}.img")
                    durable = int(acknowledged.read_text())
                _check(left, tmp_path / "after", wheels, durable, f"cut {number}, seed {SEED}")
                left.unlink()
        finally:
            writer.stop()


def _check(disk: Path, place: Path, wheels: Path, durable: int, cut: str) -> None:
    """What is left holds, and the next agent goes on with it."""
    with suppress(Failed):  # 1: it has mended what a journal is there to mend
        run("fsck.ext4", "-p", disk)
    run("fsck.ext4", "-fn", disk)
    with mounted(disk, place) as home:
        for mark in home.glob("cache/*.unsettled"):
            mark.write_text("the boot before this one")
        generations = Generations(home, wheels)
        try:
            at = generations.check(durable)
            generations.make(at + 1)
            assert generations.check(at + 1) == at + 1
        except BaseException as error:
            error.add_note(f"{cut}, {durable} was acknowledged")
            raise


@contextmanager
def _stopped(writer: Background) -> Iterator[None]:
    """It and what it has started stand still. Twice: meanwhile it may have started another."""
    family: list[int] = []
    for _ in range(2):
        family = [writer.pid, *descendants(writer.pid)]
        _tell(family, signal.SIGSTOP)
    try:
        yield
    finally:
        _tell(family, signal.SIGCONT)


def _tell(pids: list[int], sign: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)


def _copy(disk: Path, into: Path) -> None:
    """As it is at one instant: the kernel may write on behalf of who stands still, then it is copied again."""
    while True:
        before = disk.stat().st_mtime_ns
        run("cp", "--sparse=always", disk, into)
        if disk.stat().st_mtime_ns == before:
            return
