"""Clients that ask again as soon as they have an answer, each over a connection of its own, and what a tree of processes costs meanwhile."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.process import descendants

_TICK = os.sysconf("SC_CLK_TCK")
ANSWER = 120
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Times in milliseconds."""

    clients: int
    rate: float  # answers in a second
    p50: float
    p99: float
    cpu: float  # of all the server's processes, for one answer


def closed_loop(port: int, pid: int, path: str, texts: list[str], *, clients: int, seconds: float) -> Load:
    """Raises RuntimeError for an answer that is not a 200."""
    took: list[float] = []
    failed: list[str] = []
    end = time.perf_counter() + seconds
    bodies = [json.dumps({"text": text}).encode() for text in texts]

    def ask(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER)
        turn = number * len(bodies) // clients
        while time.perf_counter() < end and not failed:
            began = time.perf_counter()
            connection.request("POST", path, bodies[turn % len(bodies)], {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                failed.append(f"{answer.status}: {said[:200]!r}")
            took.append((time.perf_counter() - began) * 1000)
            turn += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    before, began = cpu(pid), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])
    spent, passed = cpu(pid) - before, time.perf_counter() - began
    hundredths = statistics.quantiles(took, n=100)
    return Load(
        clients=clients, rate=len(took) / passed, p50=hundredths[49], p99=hundredths[98], cpu=spent * 1000 / len(took)
    )


def cpu(pid: int) -> float:
    """Seconds of the process and all below it."""
    return sum(_seconds(each) for each in {pid, *descendants(pid)})


def memory(pid: int) -> float:
    """MB of the process and all below it; what they share is counted once (PSS)."""
    return sum(_pss(each) for each in {pid, *descendants(pid)}) / 1000


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / _TICK


def _pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1.024 for line in lines if line.startswith("Pss:"))
