"""The real process of the app, started as systemd starts it, and what it says over HTTP and to the notify socket."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from tests.app.venvs import ROOT
from tests.notified import START, Notified
from tests.ports import free_port
from tests.waiting import wait_for

REVISION = "4f2c9d1a" * 5
HTTP = timedelta(seconds=60)


class App(Notified):
    """One process. `held` gives it its socket as a socket unit does; else it binds PORT itself."""

    def __init__(self, python: Path, scratch: Path, *, held: bool = True, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        shim = (sys.executable, str(ROOT / "tests/app/held_socket.py"), str(self.port)) if held else ()
        given = {} if held else {"PORT": str(self.port)}
        argv = ("/usr/bin/env", "-C", ROOT, *shim, python, "-m", "app")
        super().__init__(f"app-{self.port}", scratch, *argv, **{**given, **environment})

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

    def thought(self, **asked: str) -> requests.Response:
        return self.post("/api/thought", json.dumps(asked).encode())

    def press(self, endpoint: str, *inputs: object) -> list[Any]:
        """What the pages show after the button behind a named endpoint, through Gradio's own queue."""
        call = f"{self.url}/gradio_api/call/{endpoint}"
        event = requests.post(call, json={"data": inputs}, timeout=HTTP.total_seconds()).json()["event_id"]
        stream = requests.get(f"{call}/{event}", timeout=HTTP.total_seconds()).text
        assert "event: complete" in stream, stream
        return json.loads(stream.partition("data: ")[2].splitlines()[0])

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)
