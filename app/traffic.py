"""Counts the requests in flight, so that a stop can wait for the work and not for open browser tabs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from starlette.types import ASGIApp, Receive, Scope, Send


class Traffic:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._working = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_open_tab(scope):
            await self._app(scope, receive, send)
            return
        self._working += 1
        self._idle.clear()
        try:
            await self._app(scope, receive, send)
        finally:
            self._working -= 1
            if not self._working:
                self._idle.set()

    async def idle(self, deadline: timedelta) -> bool:
        """Whether all work was finished before the deadline."""
        try:
            await asyncio.wait_for(self._idle.wait(), deadline.total_seconds())
        except TimeoutError:
            return False
        return True


def _is_open_tab(scope: Scope) -> bool:
    """Gradio keeps one event stream open for each browser tab, for as long as the tab lives."""
    return scope["type"] == "http" and "/heartbeat/" in scope["path"]
