"""What a visitor is told whom no release answers: 503, and one sentence of why."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from html import escape
from pathlib import Path

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
