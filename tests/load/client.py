"""Somebody who asks: with a new connection each time, or on connections that are kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.load.http import Address, Answer, Connection


class Client:
    """`keep`: connections are used again for as long as the server lets them. `reopened` counts those that it closed
    while they were idle, without having said `Connection: close`: lawful, and one race away from a failure."""

    def __init__(self, address: Address, *, keep: bool) -> None:
        self._address, self._keep = address, keep
        self._idle: list[Connection] = []
        self.reopened = 0

    @asynccontextmanager
    async def ask(self, method: str, target: str, document: Any = None) -> AsyncIterator[Answer]:
        """The answer, its body not read yet. `document` is sent as JSON."""
        connection = self._kept() or await Connection.open(self._address)
        headers = {} if self._keep else {"Connection": "close"}
        going_on = False
        try:
            body = b"" if document is None else json.dumps(document).encode()
            answer = await connection.ask(method, target, headers, body)
            yield answer
            going_on = self._keep and answer.goes_on
        finally:
            if going_on:
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.was_closed:
                return connection
            connection.close()
            self.reopened += 1
        return None
