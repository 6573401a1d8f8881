"""Connections of visitors, each passed on to the program over one of its own, byte by byte and both ways."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import sys
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import Any, cast

LOOPBACK = "127.0.0.1"
IP_BIND_ADDRESS_NO_PORT = (
    24  # <linux/in.h>: the port is chosen at connect, among those that have just been used as well
)
LINGER = timedelta(seconds=2)  # for a visitor to hang up on a program that has
ANSWER = re.compile(rb"HTTP/1\.1 [2-5]\d\d[^\r\n]*(?=\r\n)")
KEEP = re.compile(rb"\r\nconnection:[ \t]*keep-alive[ \t]*(?=\r\n|\Z)", re.IGNORECASE)
CLOSE = b"\r\nConnection: close"


class Bridges:
    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._open: set[Bridge] = set()
        self.parting = False

    def visitor(self) -> asyncio.Protocol:
        """Of a connection that has just come in."""
        return Bridge(self).visitor

    def busy(self, quiet: timedelta) -> bool:
        """Whether somebody waits for an answer, or said or heard something within `quiet`."""
        return any(each.asked or monotonic() - each.last < quiet.total_seconds() for each in self._open)

    def __len__(self) -> int:
        return len(self._open)

    def joined(self, bridge: Bridge) -> None:
        self._open.add(bridge)

    def left(self, bridge: Bridge) -> None:
        self._open.discard(bridge)

    async def reach(self, peer: Any, end: End) -> None:
        """Connect `end` to the program. Raises OSError."""
        loop = asyncio.get_running_loop()
        # With its protocol named, or asyncio leaves out TCP_NODELAY.
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            connection.bind((stand_in(peer), 0))
            await loop.sock_connect(connection, self._address)
            await loop.create_connection(lambda: end, sock=connection)
        except BaseException:
            connection.close()
            raise


class Bridge:
    def __init__(self, bridges: Bridges) -> None:
        self._bridges = bridges
        self.visitor, self.program = End(self), End(self)
        self.asked = False  # and no byte of the answer has come
        self.last = monotonic()

    def made(self, end: End) -> None:
        if end is self.visitor:
            self._bridges.joined(self)
            self._connecting = asyncio.ensure_future(self._connect())
        elif self.visitor.lost:
            end.transport.close()
        else:
            self.visitor.transport.resume_reading()

    async def _connect(self) -> None:
        # Not sooner: before Python 3.11 asyncio reads after connection_made, paused or not.
        self.visitor.transport.pause_reading()
        try:
            await self._bridges.reach(self.visitor.transport.get_extra_info("peername"), self.program)
        except OSError as error:
            sys.stderr.write(f"launcher: the program cannot be reached: {error.strerror}\n")
            self.visitor.transport.abort()

    def said(self, end: End, data: bytes) -> None:
        self.last = monotonic()
        if end is self.program and self.asked and self._bridges.parting:
            data = with_farewell(data)
        self.asked = end is self.visitor
        self.other(end).transport.write(data)

    def finished(self, end: End) -> None:
        """It will say no more, and may still listen."""
        if self.other(end).quiet:
            self.close()
            return
        with suppress(OSError):  # the other one has left meanwhile
            self.other(end).transport.write_eof()
        if end is self.program:
            asyncio.get_running_loop().call_later(LINGER.total_seconds(), self.close)

    def close(self) -> None:
        """What is under way to either is still delivered."""
        self._bridges.left(self)
        for end in (self.visitor, self.program):
            if end.connected:
                end.transport.close()

    def other(self, end: End) -> End:
        return self.program if end is self.visitor else self.visitor


class End(asyncio.Protocol):
    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self.connected = self.quiet = self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.connected = True
        self._bridge.made(self)

    def data_received(self, data: bytes) -> None:
        self._bridge.said(self, data)

    def eof_received(self) -> bool:
        self.quiet = True
        self._bridge.finished(self)
        return True

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True
        self._bridge.close()

    def pause_writing(self) -> None:
        self._bridge.other(self).transport.pause_reading()

    def resume_writing(self) -> None:
        self._bridge.other(self).transport.resume_reading()


def stand_in(peer: Any) -> str:
    """The loopback address that stands for a visitor's own: one for each, and none of 127.0.0.*, which programs trust."""
    if not isinstance(peer, tuple):
        return LOOPBACK  # through the private socket: the agent
    first, *others = hashlib.blake2b(str(peer[0]).encode(), digest_size=3).digest()
    return ".".join(map(str, (127, first % 254 + 1, *others)))


def with_farewell(data: bytes) -> bytes:
    """The beginning of an answer, which now asks to hang up after it; anything else as it is."""
    status = ANSWER.match(data)
    if not status:
        return data
    fields, blank, body = data[status.end() :].partition(b"\r\n\r\n")
    # Of two that contradict each other many a client hears the last.
    return status[0] + CLOSE + KEEP.sub(b"", fields) + blank + body
