"""Side by side, one after the other, with the same random-weight model of 67 M parameters: an app as the first one was written, ours, LitServe.

Each is reached as its users reach it, over HTTP, by the same clients; ours is started by the agent's launcher, as on a VM.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

from tests.app.venvs import ROOT, python_for, python_with
from tests.bench.closed_loop import Load, closed_loop, cpu, memory
from tests.launcher.stage import Stage
from tests.ports import free_port
from tests.process import Background, run
from tests.waiting import wait_for

HERE = Path(__file__).parent / "served"
CLIENTS = (1, 8, 32)
SECONDS = 10.0
"""Of load, for each number of clients."""
START = timedelta(minutes=2)
LITSERVE = ("litserve==0.2.19", "torch==2.13.0+cpu", "transformers==5.23.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    port: int
    pid: int


Serve = Callable[[], AbstractContextManager[Running]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    name: str
    ready: float  # seconds from its start
    start_cpu: float  # seconds, of the start
    memory: float  # MB, after the load
    loads: list[Load]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gitops-vm-bench-") as scratch:
        root = Path(scratch)
        run(python_for("convert"), HERE / "make_model.py", root / "model", env=_path(), within=timedelta(minutes=5))
        made = json.loads((root / "model/texts.json").read_text())
        print(f"\ninference over HTTP: {made['about']}")
        print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"{'':26}" + "".join(f"{f'{n} clients: rps / p50 / p99 ms / CPU ms':>44}" for n in CLIENTS), end="")
        print(f"{'ready':>9}{'CPU':>8}{'memory':>10}")
        found = []
        for name, serve in _contestants(root).items():
            found.append(_measured(name, serve, made["texts"]))
            _print(found[-1])
    _compare(found[0], found[1:])


def _contestants(root: Path) -> dict[str, Serve]:
    whole, quick = root / "model/whole", root / "model/onnx"
    torch, onnx, lit = python_for("local"), python_for("onnx"), python_with("litserve", *LITSERVE)
    return {
        "as the first app was": lambda: _script(root, torch, "original.py", whole),
        "ours, transformers": lambda: _ours(torch, whole, "transformers"),
        "ours, onnx int8": lambda: _ours(onnx, quick, "onnx"),
        "LitServe": lambda: _script(root, lit, "lit.py", whole),
    }


@contextmanager
def _script(root: Path, python: Path, script: str, model: Path) -> Iterator[Running]:
    port = free_port()
    environment = {**_path(), "HOME": str(root), "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    server = Background(python, HERE / script, model, str(port), log=root / f"{script}.log", env=environment)
    try:
        yield Running(port=port, pid=server.pid)
    finally:
        server.stop()


@contextmanager
def _ours(python: Path, model: Path, backend: str) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="gitops-vm-bench-") as scratch:
        stage = Stage(Path(scratch))
        stage.promote("live")
        try:
            chosen = {"MODEL": str(model), "MODEL_BACKEND": backend}
            release = stage.start("live", python, "asgi", "app.asgi:app", cwd=ROOT, **chosen)
            yield Running(port=stage.port, pid=release.pid)
        finally:
            stage.close()


def _measured(name: str, serve: Serve, texts: list[str]) -> Found:
    with serve() as first:  # writes bytecode and brings its files into memory
        _ready(first)
    began = time.perf_counter()
    with serve() as server:
        _ready(server)
        ready, start_cpu = time.perf_counter() - began, cpu(server.pid)
        closed_loop(server.port, server.pid, "/api/mood", texts, clients=8, seconds=SECONDS / 4)
        loads = [
            closed_loop(server.port, server.pid, "/api/mood", texts, clients=clients, seconds=SECONDS)
            for clients in CLIENTS
        ]
        return Found(name=name, ready=ready, start_cpu=start_cpu, memory=memory(server.pid), loads=loads)


def _ready(server: Running) -> None:
    wait_for(lambda: _ask(server) == 200, "readiness", within=START, unless=(OSError,))


def _ask(server: Running) -> int:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    finally:
        connection.close()


def _print(found: Found) -> None:
    cells = "".join(
        f"{f'{load.rate:.0f} / {load.p50:.1f} / {load.p99:.0f} / {load.cpu:.1f}':>44}" for load in found.loads
    )
    print(f"{found.name:26}{cells}{found.ready:>7.1f} s{found.start_cpu:>6.1f} s{found.memory:>7.0f} MB", flush=True)


def _compare(first: Found, others: list[Found]) -> None:
    for other in others:
        print(
            f"{other.name} against {first.name}: answers x {other.loads[-1].rate / first.loads[-1].rate:.1f} at "
            f"{CLIENTS[-1]} clients, p50 x {other.loads[0].p50 / first.loads[0].p50:.2f} at one, "
            f"start to ready x {other.ready / first.ready:.2f}, memory x {other.memory / first.memory:.2f}"
        )


def _path() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
