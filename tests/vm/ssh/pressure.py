"""Strangers at the door: connections to sshd that never say who they are."""

from __future__ import annotations

import socket
import threading
from collections import deque
from contextlib import suppress
from typing import Self


class Strangers:
    """As many as hold at a time, for as long as the block lasts; each is replaced after a while, also by one for a new sshd."""

    def __init__(self, port: int, count: int) -> None:
        self._port, self._count = port, count
        self._held: deque[socket.socket] = deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._press, daemon=True)

    def _press(self) -> None:
        while not self._over.wait(0.05):
            with suppress(OSError):
                self._held.append(socket.create_connection(("127.0.0.1", self._port), timeout=1))
            if len(self._held) > self._count:
                self._held.popleft().close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for each in self._held:
            each.close()
