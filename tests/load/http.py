"""Just enough of HTTP/1.1 (RFC 9112) to see what a library would smooth over: every connection, every byte that is missing."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


class Unanswered(Exception):  # noqa: N818 - it is what happened to a request
    """No whole answer came; the text says what came instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Address:
        """Of http://HOST:PORT. ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError(f"{url} is not http://HOST:PORT")
        return cls(host=parts.hostname, port=parts.port or 80)


class Answer:
    """Status and headers (names in lower case); the body comes with `chunks`, once."""

    def __init__(self, reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]) -> None:
        self._reader = reader
        self.status = status
        self.headers = headers
        self.whole = False
        """Its last byte was read."""

    @property
    def goes_on(self) -> bool:
        """Another request may follow on the same connection (RFC 9112, 9.3)."""
        return self.whole and self.headers.get("connection", "").lower() != "close" and self._is_delimited

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Unanswered when it ends too early."""
        try:
            async for chunk in self._body():
                yield chunk
        except asyncio.IncompleteReadError as error:
            raise Unanswered(f"truncated: the connection ended within the body ({len(error.partial)} bytes)") from None
        except ConnectionError as error:
            raise Unanswered(f"truncated: {error.strerror or error}") from None
        self.whole = True

    async def body(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    @property
    def _is_delimited(self) -> bool:
        return "content-length" in self.headers or self._is_chunked

    @property
    def _is_chunked(self) -> bool:
        return self.headers.get("transfer-encoding", "").lower() == "chunked"

    async def _body(self) -> AsyncIterator[bytes]:
        if self._is_chunked:
            while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
                yield (await self._reader.readexactly(size + 2))[:-2]
            await self._reader.readuntil(b"\r\n")
        elif "content-length" in self.headers:
            yield await self._reader.readexactly(int(self.headers["content-length"]))
        else:
            while chunk := await self._reader.read(65536):
                yield chunk


class Connection:
    """One TCP connection; `open` makes it."""

    def __init__(self, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._address, self._reader, self._writer = address, reader, writer

    @classmethod
    async def open(cls, address: Address) -> Connection:
        try:
            return cls(address, *await asyncio.open_connection(address.host, address.port, limit=1 << 20))
        except OSError as error:
            raise Unanswered(f"no connection: {os.strerror(error.errno) if error.errno else error}") from None

    @property
    def was_closed(self) -> bool:
        """The server has closed it while it was idle, as it may."""
        return self._reader.at_eof()

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Unanswered when the connection ends before the headers do."""
        fields = {"Host": f"{self._address.host}:{self._address.port}", **headers}
        if body:
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = (f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", "")
        try:
            self._writer.write("\r\n".join(lines).encode() + body)
            await self._writer.drain()
            return _parsed(self._reader, await self._reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError as error:
            raise Unanswered("truncated headers" if error.partial else "closed without an answer") from None
        except ConnectionError as error:
            raise Unanswered(f"connection lost: {error.strerror or error}") from None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.close()


def _parsed(reader: asyncio.StreamReader, head: bytes) -> Answer:
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    try:
        status = int(first.split(" ")[1])
    except (IndexError, ValueError):
        raise Unanswered(f"no HTTP: {first[:80]!r}") from None
    fields = (line.partition(":") for line in lines)
    return Answer(reader, status, {name.strip().lower(): value.strip() for name, _, value in fields})
