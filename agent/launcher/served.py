"""What a release serves, as its life (release.py) sees it: an app in this process (app.py), or a program beside it (executed.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import timedelta
from socket import socket
from typing import Any, Protocol

from .door import Door


class Served(Protocol):
    parting: bool  # whoever keeps a connection is told with the next answer to come back by another one
    over: asyncio.Future[int]  # its exit status, where it ended without being asked to

    async def start(self) -> None:
        """Returns when connections may come, though nobody may answer them yet."""

    async def ready(self) -> None:
        """Returns when it answers."""

    def work(self) -> Iterable[Coroutine[Any, Any, None]]:
        """To be run until its end."""

    async def listen(self, listening: socket) -> Door:
        """Its `close` stops the listening of this process alone. Raises Ended where nobody is there to answer any more."""

    async def follow(self, elder: str) -> None:
        """It accepts, after the release whose private directory is `elder`, empty where there is none."""

    async def told(self, verb: str, argument: str) -> str | None:
        """The answer to what another release said; None where it is nothing that this kind knows."""

    async def finish(self, quiet: timedelta, within: timedelta) -> bool:
        """Whether all work came to its end in time: nothing is asked, and for `quiet` nobody came who still may."""

    async def end(self, within: timedelta) -> None:
        """Hangs up on whoever is still there, and returns at the latest after so long."""
