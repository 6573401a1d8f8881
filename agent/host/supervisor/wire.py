"""The control socket: one JSON object a line, one request and one answer a connection.

Requests: {"verb": "start" | "stop", "release": id}, {"verb": "list"}, {"verb": "shutdown"},
{"verb": "listen", "address": [host, port] | null, "page": argv}. Answers: {"answer": ...} or {"error": text, "errno": number | null}.
"""

from __future__ import annotations

import json
import os
import select
import socket
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from ..unix import connected, short

LOCK, LOG, ERRORS = "lock", "log", "errors"
_CONTROL = "control"
_PRIVATE = 0o177
_TICK = 1.0  # seconds
_HUNG_UP = b'{"error": "it hung up", "errno": null}'


class RefusedError(Exception):
    """The supervisor answered that it cannot. `errno` where the kernel refused it."""

    def __init__(self, message: str, errno: int | None) -> None:
        super().__init__(message)
        self.errno = errno


def ask(directory: Path, verb: str, *, deadline: timedelta, tick: Callable[[], None], **arguments: Any) -> Any:
    """The answer. Raises OSError where nobody answers (in time), RefusedError where the answer is an error.

    `tick` is called about once a second while the answer is waited for.
    """
    with closing(connected(directory / _CONTROL, deadline)) as connection:
        connection.sendall(line({"verb": verb, **arguments}))
        _await_answer(connection, monotonic() + deadline.total_seconds(), tick)
        with connection.makefile("rb") as answers:
            answer = json.loads(answers.readline() or _HUNG_UP)
    if "error" in answer:
        raise RefusedError(answer["error"], answer["errno"])
    return answer["answer"]


def _await_answer(connection: socket.socket, end: float, tick: Callable[[], None]) -> None:
    while not select.select([connection], [], [], _TICK)[0]:
        tick()
        if monotonic() > end:
            raise TimeoutError


def listen(directory: Path) -> socket.socket:
    """The supervisor's end, for this user only. The caller holds the lock: a socket found there is a dead one's."""
    (directory / _CONTROL).unlink(missing_ok=True)
    control = socket.socket(socket.AF_UNIX)
    before = os.umask(_PRIVATE)
    try:
        with short(directory / _CONTROL) as name:
            control.bind(name)
    finally:
        os.umask(before)
    control.listen()
    return control


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
