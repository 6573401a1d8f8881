"""A listening socket whose connections are taken while it is open.

Not asyncio's server: closed between a connection's arrival and its first step, that one drops the connection (an assertion
in `Server._attach`; seen as resets at every switch under load). What came in through this door is served.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

AT_ONCE = 64  # connections taken before the loop has another turn
BREATH = timedelta(milliseconds=100)  # where the process has no descriptor left


class Door:
    """Open from the start. Must be made in the running loop; the socket is not blocking and becomes the door's own."""

    def __init__(self, listening: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listening = listening
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._welcomes: set[asyncio.Task[Any]] = set()
        self._open = True
        self._watch()

    def close(self) -> None:
        """No further connection is taken. Of a shared socket only this process lets go."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._listening)
            self._listening.close()

    def _watch(self) -> None:
        if self._open:
            self._loop.add_reader(self._listening, self._take)

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            connection.setblocking(False)
            welcome = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
            self._welcomes.add(welcome)
            welcome.add_done_callback(self._welcomes.discard)

    def _rest(self, error: OSError) -> None:
        """Those who come wait in the backlog until there are descriptors again."""
        sys.stderr.write(f"launcher: a connection has to wait: {error.strerror}\n")
        self._loop.remove_reader(self._listening)
        self._loop.call_later(BREATH.total_seconds(), self._watch)
