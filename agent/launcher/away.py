"""503 and the reason, for visitors who would else wait for an answer that nobody gives: the app was stopped, or no release
of it has been healthy yet.

A launcher says so until the first release is promoted. Where nothing runs, gitops-app-wake.service does, on the held
socket: `python -m agent.launcher.away DATA`, which ends by itself after a few seconds, and at once when there is
something to start.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from contextlib import suppress
from datetime import timedelta
from html import escape
from pathlib import Path

from .door import Door

FIRST_FD = 3  # sd_listen_fds(3)
SHIFT = timedelta(seconds=4)  # the next visitor wakes another one
LOOK = timedelta(milliseconds=20)
PATIENCE = timedelta(seconds=2)  # for a visitor to say what it wants
RETRY_AFTER = 5  # seconds
_LONGEST = 16 * 1024  # bytes of a request that are read

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="{after}"><title>Not available</title>
<style>body{{font:1.1rem/1.5 system-ui;max-width:34rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}}</style>
<h1>Not available right now</h1><p>{why}</p></html>
"""


def why_away(data: Path) -> str:
    """One sentence for visitors; empty when there is a release to start. The details are for those who see the status."""
    if (data / "state" / "stopped").exists():
        return "The app was stopped."
    if (data / "current").is_symlink():
        return ""
    reason = _reason(data / "state" / "status.json")
    return f"No version of the app has been healthy here yet{f' ({reason})' if reason else ''}."


def _reason(status: Path) -> str:
    """The code of the condition Ready; never its message, which is written for the owner."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        for condition in json.loads(status.read_text())["conditions"]:
            if condition["type"] == "Ready":
                return str(condition["reason"])
    return ""


def answer(why: str, *, html: bool) -> bytes:
    """The whole response."""
    body = (PAGE.format(after=RETRY_AFTER, why=escape(why)) if html else f"{why}\n").encode()
    kind = "text/html" if html else "text/plain"
    head = (
        "HTTP/1.1 503 Service Unavailable",
        f"Content-Type: {kind}; charset=utf-8",
        f"Content-Length: {len(body)}",
        f"Retry-After: {RETRY_AFTER}",
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def protocol(data: Path) -> asyncio.Protocol:
    """Of one visitor's connection."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            asked = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE.total_seconds())
            writer.write(answer(why_away(data) or "The app is starting.", html=b"text/html" in asked.lower()))
            await writer.drain()
        writer.close()

    return asyncio.StreamReaderProtocol(asyncio.StreamReader(_LONGEST), welcome)


async def serve(listening: socket.socket, data: Path) -> None:
    """Until the shift is over, or somebody better can answer."""
    listening.setblocking(False)
    door = Door(listening, lambda: protocol(data))
    end = asyncio.get_running_loop().time() + SHIFT.total_seconds()
    while why_away(data) and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - files tell nobody of a change
        await asyncio.sleep(LOOK.total_seconds())
    door.close()
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=PATIENCE.total_seconds())


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=FIRST_FD), Path(sys.argv[1])))
