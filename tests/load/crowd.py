"""Many visitors at once, each coming again and again until it is over; what became of every visit is kept."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.load.client import Client
from tests.load.http import Address, Unanswered
from tests.load.shots import Shot
from tests.load.visits import Seen, Visit

AFTER_A_FAILURE = 0.1
"""Seconds. A refused connection costs nothing: without a pause one outage would be counted by the thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """`lasting`: the visit is a stream, whose latency is its longest silence."""

    kind: str
    visit: Visit
    keep: bool
    lasting: bool = False


class Crowd:
    """`pause`: seconds between two visits of one visitor. `release`: its first group is the release, where it is found."""

    def __init__(self, address: Address, *, pause: float, release: re.Pattern[str]) -> None:
        self._address, self._pause, self._release = address, pause, release
        self._ahead = time.time() - time.monotonic()
        self.shots: list[Shot] = []
        self.reopened = 0

    async def come(self, visitors: list[Visitor], enough: Callable[[], bool]) -> None:
        """Returns when `enough` was true and every visit under way has come to its end."""
        async with asyncio.TaskGroup() as group:
            for number, visitor in enumerate(visitors):
                group.create_task(self._again_and_again(visitor, number / len(visitors), enough))

    async def _again_and_again(self, visitor: Visitor, delay: float, enough: Callable[[], bool]) -> None:
        await asyncio.sleep(delay * max(self._pause, 1.0))
        async with self._client(visitor.keep) as client:
            while not enough():
                shot = await self._once(visitor, client)
                self.shots.append(shot)
                await asyncio.sleep(max(self._pause, AFTER_A_FAILURE) if shot.failure else self._pause)

    @asynccontextmanager
    async def _client(self, keep: bool) -> AsyncIterator[Client]:
        client = Client(self._address, keep=keep)
        try:
            yield client
        finally:
            client.close()
            self.reopened += client.reopened

    async def _once(self, visitor: Visitor, client: Client) -> Shot:
        seen, begun = Seen(), time.monotonic()
        failure = await _failure(visitor.visit(client, seen))
        ended = time.monotonic()
        found = self._release.search(seen.text)
        return Shot(
            kind=visitor.kind,
            begun=self._ahead + begun,
            ended=self._ahead + ended,
            latency=seen.silence if visitor.lasting else ended - begun,
            release=found[1] if found else "",
            failure=failure,
        )


async def _failure(visit: Awaitable[None]) -> str:
    try:
        await visit
    except Unanswered as error:
        return str(error)
    except (ValueError, LookupError, EOFError) as error:
        return f"an answer that makes no sense: {error!r}"[:200]
    return ""
