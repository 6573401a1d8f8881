"""The ways in which an inference service fails, each by a name: what `python -m app.standin` does when a model has it.

    fault/503            that HTTP status; also 503-list, whose body is a JSON list
    fault/429-after-5    with Retry-After: 5; 429-date-5 says it as a date
    fault/slow           nothing for a minute; drip: an answer, a byte at a time
    fault/reset          the connection breaks in the middle; truncated: it ends there
    fault/html           a page instead of an answer; words, error, shape, nothing, nan: JSON of a wrong kind
    fault/huge           an answer that does not end; packed: one that is compressed though nobody asked for that
    fault/redirect       to another address

What can hold words repeats the token that came with the request, as a careless service might.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

SLOW = timedelta(minutes=1)
DRIP = timedelta(seconds=0.1)
HUGE = 64 * 1024 * 1024  # bytes
BLOCK = b" " * 65536

STATUS = re.compile(r"([345]\d\d)(?:-(after|date|list)-?(\d*))?")


def misbehave(name: str, handler: BaseHTTPRequestHandler) -> bool:
    """Answers the request in that way; False when there is no such fault."""
    handler.close_connection = True
    told = f"You sent {handler.headers.get('authorization')}"
    if found := STATUS.fullmatch(name):
        _status(handler, int(found[1]), found[2], int(found[3] or 0), told)
    elif name in BODIES:
        _send(handler, 200, BODIES[name](told))
    elif name in WAYS:
        WAYS[name](handler, json.dumps([[{"label": told, "score": 1.0}]]).encode())
    else:
        handler.close_connection = False
        return False
    return True


def _status(handler: BaseHTTPRequestHandler, status: int, extra: str | None, seconds: int, told: str) -> None:
    headers = {}
    if extra == "after":
        headers["retry-after"] = str(seconds)
    if extra == "date":
        headers["retry-after"] = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    body: Any = [told] if extra == "list" else {"error": told}
    _send(handler, status, json.dumps(body).encode(), **headers)


BODIES: dict[str, Callable[[str], bytes]] = {
    "html": lambda told: f"<html><h1>Welcome</h1>{told}</html>".encode(),
    "words": lambda told: json.dumps(told).encode(),
    "error": lambda told: json.dumps({"error": told}).encode(),
    "shape": lambda told: json.dumps([[{"label": told}]]).encode(),
    "nothing": lambda _: b"[[]]",
    "nan": lambda told: json.dumps([[{"label": told, "score": float("nan")}]]).encode(),
}


def _slow(handler: BaseHTTPRequestHandler, answer: bytes) -> None:
    time.sleep(SLOW.total_seconds())
    _send(handler, 200, answer)


def _drip(handler: BaseHTTPRequestHandler, answer: bytes) -> None:
    _head(handler, 200, len(answer))
    for byte in answer:
        time.sleep(DRIP.total_seconds())
        handler.wfile.write(bytes([byte]))


def _truncated(handler: BaseHTTPRequestHandler, answer: bytes) -> None:
    _head(handler, 200, len(answer))
    handler.wfile.write(answer[: len(answer) // 2])


def _reset(handler: BaseHTTPRequestHandler, answer: bytes) -> None:
    _truncated(handler, answer)
    # Closed with this linger time the connection ends in RST, not in FIN (socket(7)).
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _huge(handler: BaseHTTPRequestHandler, _: bytes) -> None:
    _head(handler, 200, HUGE)
    for _block in range(HUGE // len(BLOCK)):
        handler.wfile.write(BLOCK)


def _packed(handler: BaseHTTPRequestHandler, answer: bytes) -> None:
    _send(handler, 200, gzip.compress(answer), **{"content-encoding": "gzip"})


def _redirect(handler: BaseHTTPRequestHandler, _: bytes) -> None:
    _send(handler, 307, b"", location=getattr(handler.server, "elsewhere", "http://127.0.0.1:9/"))


WAYS: dict[str, Callable[[BaseHTTPRequestHandler, bytes], None]] = {
    "slow": _slow,
    "drip": _drip,
    "truncated": _truncated,
    "reset": _reset,
    "huge": _huge,
    "packed": _packed,
    "redirect": _redirect,
}


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    _head(handler, status, len(body), **headers)
    handler.wfile.write(body)


def _head(handler: BaseHTTPRequestHandler, status: int, length: int, **headers: str) -> None:
    handler.send_response(status)
    always = {"content-type": "application/json", "content-length": str(length), "connection": "close"}
    for name, value in {**always, **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
