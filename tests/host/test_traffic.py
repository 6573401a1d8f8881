"""The words between the agent and the launchers, where a launcher takes its time: how it is with real ones is in tests/contract."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agent.errors import Transient
from agent.host.traffic import Traffic
from agent.host.unix import short
from agent.launcher import ACCEPTING, CONTROL, RESTING
from agent.names import ReleaseId
from agent.paths import Paths, locate

NEW, OLD = ReleaseId("tiny-1"), ReleaseId("tiny-2")
FOR_EVER = 1000.0


@contextmanager
def launcher(paths: Paths, release: ReleaseId, says: Mapping[str, tuple[float, str]]) -> Iterator[list[str]]:
    """One that answers each verb after so many seconds; what it was told."""
    told: list[str] = []
    path = paths.private(release) / CONTROL
    path.parent.mkdir(parents=True)
    listening = socket.socket(socket.AF_UNIX)
    with short(path) as name:
        listening.bind(name)
    listening.listen()

    def answer(connection: socket.socket) -> None:
        with connection, connection.makefile("rw") as lines, suppress(OSError):
            verb = lines.readline().strip()
            told.append(verb)
            pause, word = says[verb.partition(" ")[0]]
            time.sleep(pause)
            lines.write(f"{word}\n")
            lines.flush()

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield told
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return locate({"GITOPS_VM_HOME": str(tmp_path)}, uid=os.getuid())


@pytest.fixture
def old(paths: Paths) -> Iterator[list[str]]:
    with launcher(paths, OLD, {"state": (0, ACCEPTING), "rest": (0, RESTING)}) as told:
        yield told


def test_one_that_waits_for_its_neighbours_before_it_accepts_is_waited_for(paths: Paths, old: list[str]):
    with launcher(paths, NEW, {"accept": (3, ACCEPTING)}) as told:
        Traffic(paths).hand_over(NEW, [OLD])
    assert told == [f"accept {paths.private(OLD)}"]
    assert old == ["state", "rest"]


def test_where_one_accepts_and_has_not_said_so_in_time_the_others_rest(paths: Paths, old: list[str]):
    with launcher(paths, NEW, {"accept": (FOR_EVER, ""), "state": (0, ACCEPTING)}):
        Traffic(paths).hand_over(NEW, [OLD])
    assert old == ["state", "rest"]


def test_one_that_does_not_accept_leaves_the_traffic_where_it_is(paths: Paths, old: list[str]):
    with launcher(paths, NEW, {"accept": (FOR_EVER, ""), "state": (0, RESTING)}), pytest.raises(Transient):
        Traffic(paths).hand_over(NEW, [OLD])
    assert old == ["state"]
