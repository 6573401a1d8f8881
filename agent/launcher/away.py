"""503 and the reason, for visitors who would else wait for an answer that nobody gives: the app was stopped, no release of
it has been healthy yet, or the one that was has crashed and is not back within some seconds.

A launcher says so until the first release is promoted. Where none is up, the service manager starts `python -m
agent.launcher.away DATA LAUNCHED` for who comes, on the held socket (LAUNCHED has the private directories of the launched
releases). It ends by itself, and a release that is about to accept sends it away before it does.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from contextlib import suppress
from datetime import timedelta
from html import escape
from pathlib import Path

from . import ACCEPTING, AWAY, CONTROL, RESTING, control, private
from .door import Door
from .outage import Outage

FIRST_FD = 3  # sd_listen_fds(3)
SHIFT = timedelta(minutes=1)  # the next visitor, or the next crash, wakes another one
LOOK = timedelta(milliseconds=100)
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
    return f"No version of the app has been healthy here yet{_reason(data / 'state' / 'status.json')}."


def why_down(data: Path) -> str:
    """The same of one that ought to run."""
    return f"The app is down and is being started again{_reason(data / 'state' / 'status.json')}."


def _reason(status: Path) -> str:
    """The code of the condition Ready while it is not; never its message, which is written for the owner."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        for condition in json.loads(status.read_text())["conditions"]:
            if condition["type"] == "Ready" and condition["status"] != "True":
                return f" ({condition['reason']})"
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
            writer.write(answer(why_away(data) or why_down(data), html=b"text/html" in asked.lower()))
            await writer.drain()
        writer.close()

    return asyncio.StreamReaderProtocol(asyncio.StreamReader(_LONGEST), welcome)


class Page:
    """Whether it may be open is decided by looking; `leave` closes it for good."""

    def __init__(self, listening: socket.socket, data: Path, outage: Outage) -> None:
        self._listening, self._data, self._outage = listening, data, outage
        self._excuses = bool(why_away(data))  # and when there is something to start, somebody has to be woken to do it
        self._door: Door | None = None
        self.left = asyncio.Event()

    def look(self) -> None:
        away = why_away(self._data)
        if self._excuses and not away:
            self._outage.forget()
            self.leave()
        elif self._door is None and (away or self._outage.is_long()):
            self._door = Door(self._listening.dup(), lambda: protocol(self._data))

    def leave(self) -> None:
        if self._door:
            self._door.close()
        self.left.set()

    async def obey(self, verb: str, _argument: str) -> str:
        """`rest`, said by a release before it accepts. Once it is answered no connection is taken here any more."""
        if verb == "rest":
            self.leave()
            self._outage.forget()
        return RESTING


async def serve(listening: socket.socket, data: Path, launched: Path) -> None:
    """Until the shift is over, or somebody better can answer."""
    listening.setblocking(False)
    outage = Outage(launched / AWAY, time.time())
    page = Page(listening, data, outage)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, page.leave)
    orders = await control.listen(private.listen(launched / AWAY, CONTROL), page.obey)
    # Looked after it can be told: one that begins to accept meanwhile is seen, or says it.
    if await _somebody_accepts(launched):
        page.leave()
    end = time.monotonic() + SHIFT.total_seconds()
    while not page.left.is_set() and time.monotonic() < end:
        page.look()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(page.left.wait(), LOOK.total_seconds())
    page.leave()
    outage.note(time.time())
    orders.close()
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=PATIENCE.total_seconds())


async def _somebody_accepts(launched: Path) -> bool:
    for neighbour in private.neighbours(launched):
        with suppress(OSError):
            if await neighbour.ask("state") == ACCEPTING:
                return True
    return False


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=FIRST_FD), Path(sys.argv[1]), Path(sys.argv[2])))
