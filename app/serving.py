"""uvicorn on your own machine: it ends with 0 when it is told to, and hangs up on tabs that are open, as the agent's launcher does."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import uvicorn
from starlette.types import ASGIApp

PATIENCE = timedelta(seconds=2)  # after Ctrl-C, for what is in flight; open tabs would be waited for for ever
FAREWELL = timedelta(seconds=0.5)  # for what was cut off to notice


STARTUP_FAILED = 3  # as uvicorn has it


def serve(app: ASGIApp, host: str, port: int) -> int:
    """The exit status, once it has been told to end."""
    server = Server(uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False))
    server.run()
    return 0 if server.started else STARTUP_FAILED


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not uvicorn's, which dies by the signal once all is done."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Not uvicorn's, which cancels streams in the middle: each is a traceback then."""
        for listening in [*self.servers, *(sockets or [])]:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._work_done(PATIENCE)
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await self._work_done(FAREWELL)
        await self.lifespan.shutdown()

    async def _work_done(self, within: timedelta) -> None:
        """Returns when it is, or `within` is over."""
        if tasks := list(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=within.total_seconds())
