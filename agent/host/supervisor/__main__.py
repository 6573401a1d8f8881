"""`python -m agent.host.supervisor DIRECTORY`: returns 0 once a supervisor answers there, which goes on by itself.

`python -m agent.host.supervisor DIRECTORY shutdown`: returns once it and everything it started has ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from ...errors import Transient
from .. import files, lock
from . import wire
from .control import serve

_ANSWERS = b"answers"
_EXITING = timedelta(seconds=5)  # what one that was told to end may still need to let go of the lock
_LONGEST_GRACE = timedelta(hours=1, minutes=1)  # that desired-state.yaml can ask for
_USAGE = 64  # EX_USAGE


def main(argv: list[str]) -> int:
    match argv[1:]:
        case [directory] if not directory.startswith("-"):
            return _start(Path(directory).absolute())
        case [directory, "shutdown"]:
            return _shut_down(Path(directory).absolute())
        case _:
            print("usage: python -m agent.host.supervisor DIRECTORY [shutdown]", file=sys.stderr)  # noqa: T201
            return _USAGE


def _shut_down(directory: Path) -> int:
    with suppress(FileNotFoundError, ConnectionRefusedError):
        wire.ask(directory, "shutdown", deadline=_LONGEST_GRACE, tick=lambda: None)
    return 0


def _start(directory: Path) -> int:
    files.make_directory(directory)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        return _live(directory, writer)
    os.close(writer)
    said = os.read(reader, 4096)
    if said != _ANSWERS:
        print(said.decode() or f"the supervisor died: {directory / wire.ERRORS} says why", file=sys.stderr)  # noqa: T201
    return 0 if said == _ANSWERS else 1


def _live(directory: Path, starter: int) -> int:
    """In a session of its own, so that no end of what started it reaches it."""
    os.setsid()
    try:
        with lock.hold(directory / wire.LOCK, patience=_EXITING):
            _leave_terminal(directory / wire.ERRORS)
            asyncio.run(serve(directory, dict(os.environ), lambda: _tell(starter, _ANSWERS)))
    except Transient as busy:
        _tell(starter, str(busy).encode())
    return 0


def _leave_terminal(errors: Path) -> None:
    """Its own streams would keep the pipes of its starter open."""
    log = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(source, stream)


def _tell(starter: int, text: bytes) -> None:
    os.write(starter, text)
    os.close(starter)


sys.exit(main(sys.argv))
