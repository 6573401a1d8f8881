"""A request, answered by a neighbour through its private socket, as it comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .asgi import Receive, Scope, Send
from .private import ANSWER, Neighbour

if TYPE_CHECKING:
    import httpx

# Of one connection only (RFC 9110, 7.6.1), and what our own server adds to every answer.
NOT_HANDED_ON = {b"connection", b"keep-alive", b"transfer-encoding", b"date", b"server"}


async def relay(neighbour: Neighbour, scope: Scope, body: bytes, receive: Receive, send: Send) -> bool:
    """Whether the neighbour answered; otherwise nothing was sent, and somebody else may answer."""
    import httpx  # noqa: PLC0415 - it is there wherever Gradio is, and nowhere else

    transport = httpx.AsyncHTTPTransport(uds=neighbour.http, verify=False, limits=httpx.Limits(max_connections=1))
    async with transport:
        try:
            answer = await transport.handle_async_request(_request(scope, body))
        except httpx.TransportError:
            return False
        await _until_either_hangs_up(answer, receive, send)
    return True


def _request(scope: Scope, body: bytes) -> httpx.Request:
    import httpx  # noqa: PLC0415

    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return httpx.Request(
        scope["method"],
        httpx.URL(scheme="http", host="localhost", raw_path=scope["raw_path"] + query),
        headers=_handed_on(scope["headers"]),
        content=body,
        extensions={"timeout": {"connect": ANSWER.total_seconds()}},
    )


async def _until_either_hangs_up(answer: httpx.Response, receive: Receive, send: Send) -> None:
    """A client that leaves has left for the neighbour as well: it must not go on working for nobody."""
    hanging_up = asyncio.ensure_future(_hung_up(receive))
    passing_on = asyncio.ensure_future(_pass_on(answer, send))
    try:
        await asyncio.wait({hanging_up, passing_on}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (hanging_up, passing_on):
            task.cancel()
        await asyncio.gather(hanging_up, passing_on, return_exceptions=True)


async def _pass_on(answer: httpx.Response, send: Send) -> None:
    import httpx  # noqa: PLC0415

    headers = _handed_on(answer.headers.raw)
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    stream: Any = answer.stream
    try:
        async for chunk in stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except httpx.TransportError:
        # Cut off in the middle, and so must ours be; but an event stream has no other end than that.
        if b"text/event-stream" not in dict(headers).get(b"content-type", b""):
            return
    await send({"type": "http.response.body", "body": b""})


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _handed_on(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in headers if name.lower() not in NOT_HANDED_ON]
