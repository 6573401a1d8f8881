"""Post a message to a chat: again and again within a deadline, as patient as the chat asks for."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from ..chat import Channel, delivery
from . import web

DEADLINE = timedelta(seconds=30)
_TRY = timedelta(seconds=10)
_PAUSE = timedelta(seconds=1)


def send(channel: Channel, text: str, *, deadline: timedelta = DEADLINE) -> str:
    """Why it did not arrive, without a secret; empty when it did.

    After a try that was not answered it is sent again, so that a message may arrive twice rather than never.
    """
    end = time.monotonic() + deadline.total_seconds()
    pause = _PAUSE
    while True:
        left = timedelta(seconds=max(end - time.monotonic(), 0.001))
        seen = web.ask(channel.url, within=min(_TRY, left), follows=False, payload=channel.payload(text))
        failed = delivery(channel, seen, datetime.now(UTC))
        if failed is None:
            return ""
        wait = max(failed.wait, pause)
        if not failed.again:
            return failed.message
        if time.monotonic() + wait.total_seconds() >= end:
            asked = f" and wants to be left alone for {wait.total_seconds():g} s" if failed.wait > pause else ""
            return f"{failed.message}{asked}"
        time.sleep(wait.total_seconds())
        pause *= 2
