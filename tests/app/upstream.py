"""The stand-in for the inference service inside a test: which of its faults it has, when it answers, what it was sent."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from app.standin import StandIn

PATIENCE = timedelta(seconds=60)
SCORES = {"joy": 0.75, "fear": 0.25}


class Upstream(StandIn):
    """Has the fault `wrong`, by its name in app/faults.py, for as many requests as `times` says, for ever when it is None;
    holds every answer back until `open` is set.
    """

    def __init__(self) -> None:
        super().__init__(0, lambda _: SCORES)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.wrong = ""
        self.times: int | None = None
        self.headers_seen: list[str] = []
        self.arrivals: list[float] = []
        self.elsewhere = "http://127.0.0.1:9/"
        self.open = threading.Event()
        self.open.set()
        self._connections: list[socket.socket] = []
        self._turn = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def asked(self) -> int:
        """How many requests have arrived."""
        return len(self.headers_seen)

    def fail(self, wrong: str, times: int | None = None) -> None:
        self.wrong, self.times = wrong, times

    def heal(self) -> None:
        self.fail("")

    def hold(self, headers: str) -> None:
        self.arrivals.append(time.monotonic())
        self.headers_seen.append(headers)
        self.open.wait(PATIENCE.total_seconds())

    def fault(self, path: str, body: dict[str, Any]) -> str:
        with self._turn:
            if self.times == 0:
                return ""
            if self.times is not None:
                self.times -= 1
            return self.wrong

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def close(self) -> None:
        """From here on a connection is refused, and those that clients keep are closed."""
        self.open.set()
        self.shutdown()
        self.server_close()
        for each in self._connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
