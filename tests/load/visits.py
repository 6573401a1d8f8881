"""The kinds of visit. Each raises Unanswered when something is not as it must be."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from tests.load.client import Client
from tests.load.http import Answer, Unanswered

T = TypeVar("T")
HUNG = timedelta(seconds=2)
"""Whoever waits longer has been failed: for an answer; of a stream, for its first byte and for each next one."""


@dataclass(slots=True)
class Seen:
    """What a visit has learned, also when it failed then."""

    text: str = ""
    """The answer, in which the release is looked for."""
    silence: float = 0.0
    """Of a stream: the longest, in seconds."""


Visit = Callable[[Client, Seen], Awaitable[None]]


def page(path: str) -> Visit:
    """A plain request."""

    async def visit(client: Client, seen: Seen) -> None:
        async with _hurried("the answer"), client.ask("GET", path) as answer:
            body = await _whole(answer)
            seen.text = f"{answer.headers}\n{body.decode(errors='replace')}"

    return visit


def events(path: str, last: str) -> Visit:
    """A stream that takes its time and must come to its end: to `last`, and to the end of the body."""

    async def visit(client: Client, seen: Seen) -> None:
        async with aclosing(_lines(client, path, seen)) as lines:
            async for line in lines:
                seen.text += f"{line}\n"
        if last not in seen.text:
            raise Unanswered(f"a stream without its last event, of {len(seen.text)} characters")

    return visit


def call(function: int, data: list[Any], *, session: str = "", lasting: bool = False) -> Visit:
    """A call through Gradio's queue (POST queue/join, GET queue/data), until its own event is completed. Without a
    `session` each call has one of its own. A `lasting` one is held to its silences, not to its length."""

    async def visit(client: Client, seen: Seen) -> None:
        name = session or secrets.token_hex(6)
        joined = {"data": data, "fn_index": function, "session_hash": name, "trigger_id": 1}
        async with _hurried("queue/join"), client.ask("POST", "/gradio_api/queue/join", joined) as answer:
            event = json.loads(await _whole(answer))["event_id"]
        async with aclosing(_lines(client, f"/gradio_api/queue/data?session_hash={name}", seen)) as lines:
            async for line in lines:
                _heard(line, event, seen)
        if not seen.text:
            raise Unanswered("queue/data ended before the call was completed")

    async def hurried(client: Client, seen: Seen) -> None:
        async with _hurried("the call to be completed"):
            await visit(client, seen)

    return visit if lasting else hurried


async def functions(client: Client) -> dict[str, int]:
    """The functions of a Gradio app by their API name."""
    async with client.ask("GET", "/config") as answer:
        found = json.loads(await _whole(answer))["dependencies"]
    return {each["api_name"]: each["id"] for each in found if each["api_name"]}


def _heard(line: str, event: str, seen: Seen) -> None:
    told = json.loads(line[5:]) if line.startswith("data:") else {"msg": ""}
    if told["msg"] == "unexpected_error":
        raise Unanswered(f"unexpected_error: {told.get('message')}"[:200])
    if told["msg"] == "process_completed" and told.get("event_id") == event:
        if not told.get("success"):
            raise Unanswered(f"the call failed: {told.get('output')}"[:200])
        seen.text = json.dumps(told["output"])


async def _lines(client: Client, path: str, seen: Seen) -> AsyncGenerator[str, None]:
    """Of the whole body. No silence may last longer than HUNG."""
    rest = b""
    async with AsyncExitStack() as stack:
        answer = await _heard_in_time(stack.enter_async_context(client.ask("GET", path)), seen)
        _must_be_200(answer)
        chunks = aiter(answer.chunks())
        while (chunk := await _heard_in_time(anext(chunks, None), seen)) is not None:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")


async def _heard_in_time(awaited: Awaitable[T], seen: Seen) -> T:
    since = time.monotonic()
    async with _hurried("the next byte of a stream"):
        found = await awaited
    seen.silence = max(seen.silence, time.monotonic() - since)
    return found


async def _whole(answer: Answer) -> bytes:
    body = await answer.body()
    _must_be_200(answer, body)
    return body


def _must_be_200(answer: Answer, body: bytes = b"") -> None:
    if answer.status != 200:
        raise Unanswered(f"status {answer.status} {body[:100].decode(errors='replace')}".strip())


@asynccontextmanager
async def _hurried(what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(HUNG.total_seconds()):
            yield
    except TimeoutError:
        raise Unanswered(f"hung: waited {HUNG.total_seconds():g} s for {what}") from None
