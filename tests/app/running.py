"""The app as a VM runs it: in the agent's launcher, on a held socket; and what it says over HTTP and to its service manager."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import requests

from tests.app.venvs import ROOT
from tests.launcher.stage import put_launcher
from tests.notified import START, Notified
from tests.ports import free_port
from tests.waiting import wait_for

REVISION = "4f2c9d1a" * 5
HTTP = timedelta(seconds=60)
LOOK = timedelta(seconds=5)


class App(Notified):
    """One release of it, which has the traffic from the start. `grace` is how long a stop may take, in seconds; `on` is the
    app whose socket it takes over: one that has ended, and whose visitors wait.
    """

    def __init__(
        self, python: Path, scratch: Path, *, grace: float = 20, on: App | None = None, **environment: str
    ) -> None:
        self.port = on.port if on else free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        place = Path(mkdtemp(prefix=f"app-{self.port}-", dir=scratch))
        name = place.name
        current = place / "current"
        current.symlink_to(name)
        self._held = on._held if on else socket.create_server(("127.0.0.1", self.port), backlog=512)
        argv = (
            *(sys.executable, str(ROOT / "tests/launcher/pass_socket.py"), str(self._held.fileno())),
            *(python, put_launcher(place), "--release", name, "--current", current, "--private", place / "private"),
            *("--grace", str(grace), "asgi", "app.asgi:app"),
        )
        super().__init__(name, scratch, *argv, cwd=ROOT, pass_fds=(self._held.fileno(),), **environment)

    def ready(self) -> Self:
        """Returns when the model has answered; fails when it ends before."""
        return self._until_ok("/readyz")

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=HTTP.total_seconds())

    def answering(self) -> Self:
        """Returns when it accepts requests, ready or not."""
        return self._until_ok("/healthz")

    def _until_ok(self, path: str) -> Self:
        """Once it has ended, who comes waits at the held socket: nobody is asked for long."""

        def ok() -> bool:
            self.notices()  # it waits for who does not listen
            return not self.running or requests.get(self.url + path, timeout=LOOK.total_seconds()).ok

        wait_for(ok, f"200 from {path}", within=START, unless=(requests.RequestException,))
        assert self.running, f"{self.name} ended first:\n{self.output}"
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

    def close(self) -> None:
        super().close()
        self._held.close()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)
