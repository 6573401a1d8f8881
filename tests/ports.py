"""Loopback ports for servers that have to come back on the same one."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from pathlib import Path

LOOPBACK = "127.0.0.1"
_given: set[int] = set()


def free_port() -> int:
    """A port nobody holds, never given twice by this process, and below the range the kernel hands out to clients:
    from there it could be taken while its server is down."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(max(1024, low - 12000), low), k=200):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError(f"no free port between {low - 12000} and {low}: ss -ltn shows who holds them")


def _is_free(port: int) -> bool:
    # Without SO_REUSEADDR: a port with connections in TIME_WAIT does not count as free either.
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("", port))
        return True
    return False


def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def ssh_banner(port: int) -> str:
    """The first line an SSH server says ("SSH-2.0-..."); empty when there is none yet."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=2) as connection:
        return connection.recv(100).decode(errors="replace").strip()
    return ""


class SilentPort:
    """Accepts every connection and never says a word: what a client sees of a server that hangs."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._listener = socket.create_server((LOOPBACK, port))
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def accepted(self) -> int:
        """How many connections it has taken so far."""
        return len(self._held)

    def stop(self) -> None:
        # shutdown() wakes the accept() that close() alone would leave blocked.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (*self._held, self._listener):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._held.append(self._listener.accept()[0])
