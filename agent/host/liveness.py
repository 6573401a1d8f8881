"""One HTTP GET without an HTTP library: the daemon asks this every few seconds, and a library would cost it 5 MB."""

from __future__ import annotations

import socket
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic

from .unix import connected

_STATUS_LINE = 64  # bytes, enough for "HTTP/1.1 200 "
_ANSWER = 65536  # bytes of an answer that are read at most


def get(host: str, port: int, path: str, *, unix: str = "", timeout_seconds: float) -> str:
    """Empty when the answer is a success (2xx or 3xx, as for Kubernetes' httpGet), else what was wrong.

    `unix`: the path of a Unix socket that is asked instead of the port.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: gitops-vm\r\nConnection: close\r\n\r\n"
    end = monotonic() + timeout_seconds
    try:
        with _connected(host, port, unix, timedelta(seconds=timeout_seconds)) as connection:
            connection.sendall(request.encode())
            line = connection.recv(_STATUS_LINE)
            _hear_out(connection, end)
    except TimeoutError:
        return f"GET {path} gave no answer within {timeout_seconds:g} s"
    except OSError as error:
        return f"GET {path}: {error.strerror or error}"
    return _verdict(path, line)


def _connected(host: str, port: int, path: str, timeout: timedelta) -> socket.socket:
    if path:
        return connected(Path(path), timeout)
    return socket.create_connection((host, port), timeout=timeout.total_seconds())


def _hear_out(connection: socket.socket, end: float) -> None:
    """Read what else it says: closing before would reset the connection, which many a server logs as an error.

    One that drips is left at `end` (monotonic seconds): the daemon's watchdog is fed by the loop that waits here.
    """
    left = _ANSWER
    with suppress(OSError):  # the verdict is known already
        while left > 0 and (seconds := end - monotonic()) > 0:
            connection.settimeout(seconds)
            if not (chunk := connection.recv(left)):
                return
            left -= len(chunk)


def _verdict(path: str, line: bytes) -> str:
    code = line.split(b" ")[1] if line.startswith(b"HTTP/") and line.count(b" ") else b""
    if not code.isdigit():
        return f"GET {path}: the answer is not HTTP"
    return "" if code[:1] in (b"2", b"3") else f"GET {path} answered {int(code)}"
