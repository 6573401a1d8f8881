"""The life of the supervisor, and its answers on the control socket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...names import ReleaseId
from ...unit import Address
from . import child, wire
from .supervisor import MARK, Supervisor


async def serve(directory: Path, environ: Mapping[str, str], ready: Callable[[], None]) -> None:
    """Until `shutdown` or SIGTERM has ended everything that was started. `ready` is called once it answers."""
    _end_what_was_left(directory)
    child.adopt_orphans()
    supervisor = Supervisor(directory, environ)
    server = await asyncio.start_unix_server(_answering(supervisor), sock=wire.listen(directory))
    tasks: set[asyncio.Task[None]] = set()
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, lambda: tasks.add(asyncio.create_task(supervisor.shutdown()))
    )
    ready()
    async with server:
        await supervisor.over


def _end_what_was_left(directory: Path) -> None:
    """A killed supervisor takes its children with it, not theirs."""
    for pid in child.family(f"{MARK}={directory}"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _answering(supervisor: Supervisor) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            request = await reader.readline()
            writer.write(wire.line(await _outcome(supervisor, request)))
            await writer.drain()
        writer.close()

    return answer


async def _outcome(supervisor: Supervisor, request: bytes) -> dict[str, Any]:
    try:
        return {"answer": await _do(supervisor, json.loads(request))}
    except OSError as error:
        return {
            "error": f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}",
            "errno": error.errno,
        }
    except (ValueError, TypeError, KeyError) as error:
        return {"error": f"{type(error).__name__}: {error}", "errno": None}


async def _do(supervisor: Supervisor, request: Mapping[str, Any]) -> Any:
    match request:
        case {"verb": "start", "release": str(release)}:
            supervisor.start(ReleaseId(release))
        case {"verb": "stop", "release": str(release)}:
            await supervisor.stop(ReleaseId(release))
        case {"verb": "listen", "address": None}:
            await supervisor.listen(None, ())
        case {"verb": "listen", "address": [str(host), int(port)], "page": [*page]}:
            await supervisor.listen(Address(host, port), page)
        case {"verb": "list"}:
            return supervisor.list()
        case {"verb": "shutdown"}:
            await supervisor.shutdown()
        case _:
            raise ValueError("no such request")
    return None
