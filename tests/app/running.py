"""The real process of the app, started as systemd starts it, and what it says over HTTP and to the notify socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from tests.app.venvs import ROOT
from tests.ports import free_port
from tests.process import Background
from tests.waiting import wait_for

REVISION = "4f2c9d1a" * 5
START = timedelta(seconds=90)  # a torch import on a busy machine
HTTP = timedelta(seconds=60)


class App:
    """One process. `held` gives it its socket as a socket unit does; else it binds PORT itself."""

    def __init__(self, python: Path, scratch: Path, *, held: bool = True, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = scratch / f"app-{self.port}.log"
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(scratch / f"notify-{self.port}"))
        self._notices.setblocking(False)
        self._heard: list[str] = []
        # Of the tests' environment only the PATH: a service starts with little more.
        given = {"PATH": os.environ["PATH"], "HOME": str(scratch), "NOTIFY_SOCKET": self._notices.getsockname()}
        shim = (sys.executable, str(ROOT / "tests/app/held_socket.py"), str(self.port)) if held else ()
        given |= {} if held else {"PORT": str(self.port)}
        at_root = ("/usr/bin/env", "-C", ROOT)
        self._process = Background(*at_root, *shim, python, "-m", "app", log=self._log, env={**given, **environment})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._log.read_text()

    def notices(self) -> list[str]:
        """Every line it has told systemd so far."""
        try:
            while True:
                self._heard += self._notices.recv(4096).decode().splitlines()
        except BlockingIOError:
            return self._heard

    def told(self, line: str) -> None:
        """Returns when it has told systemd so; fails when it ends before."""
        wait_for(lambda: line in self.notices() or self._ended(), f"{line} from the app", within=START)
        assert line in self.notices(), f"the app ended first:\n{self.output}"

    def ready(self) -> App:
        self.told("READY=1")
        return self

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=HTTP.total_seconds())

    def answering(self) -> App:
        """Returns when it accepts requests, ready or not."""
        wait_for(lambda: self.get("/healthz").ok, "/healthz", within=START, unless=(requests.ConnectionError,))
        return self

    def reason(self, expected: str) -> dict[str, str]:
        """What /readyz says once it is not ready for this reason."""
        self.answering()
        wait_for(lambda: self.get("/readyz").json().get("reason") == expected, f"reason {expected}", within=START)
        return self.get("/readyz").json()

    def post(self, path: str, body: bytes) -> requests.Response:
        return requests.post(self.url + path, data=body, timeout=HTTP.total_seconds())

    def mood(self, text: str) -> requests.Response:
        return self.post("/api/mood", json.dumps({"text": text}).encode())

    def press(self, endpoint: str, *inputs: object) -> list[Any]:
        """What the pages show after the button behind a named endpoint, through Gradio's own queue."""
        call = f"{self.url}/gradio_api/call/{endpoint}"
        event = requests.post(call, json={"data": inputs}, timeout=HTTP.total_seconds()).json()["event_id"]
        stream = requests.get(f"{call}/{event}", timeout=HTTP.total_seconds()).text
        assert "event: complete" in stream, stream
        return json.loads(stream.partition("data: ")[2].splitlines()[0])

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def exit_code(self) -> int:
        return self._process.wait(START)

    def close(self) -> None:
        self._process.stop()
        self._notices.close()

    def _ended(self) -> bool:
        return not self._process.running
