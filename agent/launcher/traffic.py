"""What is going on in the app: how many requests it works at, and since when it is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import dropwhile
from time import monotonic

from .asgi import ASGIApp, Message, Receive, Scope, Send

CLOSE = (b"connection", b"close")


class Traffic:
    """The app, counted. While `parting` it tells everybody who keeps a connection to come back by another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._last = monotonic()
        self.parting = False
        self.working = 0
        self.open_tabs = 0  # Gradio's heartbeats: one stream for each open page, which is no work
        self.failure = ""  # of the app's own start-up, in its words

    def quiet(self) -> timedelta:
        """How long nothing has begun, ended, or been said."""
        return timedelta(seconds=monotonic() - self._last)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            with self._counted(scope):
                await self._app(scope, receive, self._parting(send))
        elif kind == "websocket":
            await self._app(scope, self._heard(receive), self._said(send))
        else:
            await self._app(scope, receive, self._overheard(send))

    @contextmanager
    def _counted(self, scope: Scope) -> Iterator[None]:
        name = "open_tabs" if "/heartbeat/" in scope["path"] else "working"
        self._last = monotonic()
        setattr(self, name, getattr(self, name) + 1)
        try:
            yield
        finally:
            setattr(self, name, getattr(self, name) - 1)
            self._last = monotonic()

    def _parting(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if self.parting and message["type"] == "http.response.start":
                headers = [header for header in message.get("headers", []) if header[0].lower() != CLOSE[0]]
                message = {**message, "headers": [*headers, CLOSE]}
            await send(message)

        return sent

    def _heard(self, receive: Receive) -> Receive:
        async def received() -> Message:
            message = await receive()
            self._last = monotonic()
            return message

        return received

    def _said(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            self._last = monotonic()
            await send(message)

        return sent

    def _overheard(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                self.failure = _conclusion(message.get("message", "").strip().splitlines())
            await send(message)

        return sent


def _conclusion(lines: list[str]) -> str:
    """What a traceback ends with, which may be several lines; of anything else the last line."""
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    concluding = dropwhile(lambda line: line.startswith(" "), lines[frames[-1] + 1 :]) if frames else lines[-1:]
    return " ".join(concluding)
