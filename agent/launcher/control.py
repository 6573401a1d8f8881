"""The control socket: a line in, a line out, as often as the other side likes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

Obey = Callable[[str, str], Awaitable[str]]


async def listen(control: socket.socket, obey: Obey) -> asyncio.AbstractServer:
    """`obey(verb, argument)` gives the answer; what it raises is answered as `error: ...`."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                verb, _, argument = line.decode(errors="replace").strip().partition(" ")
                writer.write(f"{await _answer(obey, verb, argument)}\n".encode())
                await writer.drain()
        except (ConnectionError, ValueError):  # it hung up, or its line is longer than any of ours
            return
        except asyncio.CancelledError:  # our own end; a task that says so has its traceback shown by asyncio
            return
        finally:
            writer.close()

    return await asyncio.start_server(converse, sock=control)


async def _answer(obey: Obey, verb: str, argument: str) -> str:
    try:
        return await obey(verb, argument)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, whoever asked has to be told
        return f"error: {error}".replace("\n", " ")
