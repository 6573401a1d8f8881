"""Which session a request to a Gradio app belongs to: gradio/routes.py of versions 4 to 6."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

from .asgi import Receive, Scope

# What names its session, or the event it asks for, in the path.
IN_PATH = re.compile(r"/(?:heartbeat|stream|call/v2/[^/]+|call/(?!v2/)[^/]+)/([^/]+)")
IN_BODY = re.compile(r"/(?:queue/join|(?:call|call/v2|run|api)/[^/]+|cancel|reset|component_server)/?$")
IN_QUERY = re.compile(r"/(?:queue/data|deep_link)$")
IN_QUERY_STRING = re.compile(r"(?:^|&)session_hash=([^&]+)")
JOINING = re.compile(r"/queue/join/?$")
CALLING = re.compile(r"/call/(?:v2/)?[^/]+/?$")
FETCHING = re.compile(r"/(?:queue/data|call/(?:v2/)?[^/]+/[^/]+)$")
# They come from anywhere and are handed on as a word of a line.
WORD = re.compile(r"[\w-]{1,128}", re.ASCII)


async def read(scope: Scope, receive: Receive) -> tuple[str, bytes | None]:
    """The request's session, empty where it has none, and its body where that had to be read."""
    path = scope["path"]
    if scope["method"] == "POST" and IN_BODY.search(path) and _is_json(scope):
        body = b"".join([chunk async for chunk in _chunks(receive)])
        return next(_named(body, "session_hash", "event_id"), ""), body
    found = IN_PATH.search(path)
    if found is None and IN_QUERY.search(path):
        found = IN_QUERY_STRING.search(scope["query_string"].decode("latin-1"))
    return (found[1] if found and WORD.fullmatch(found[1]) else ""), None


def joins(scope: Scope) -> bool:
    """Whether the answer will be fetched by another request, of the same session."""
    return scope["method"] == "POST" and bool(JOINING.search(scope["path"]))


def calls(scope: Scope) -> bool:
    """Whether the answer will be fetched by another request, which names the event."""
    return scope["method"] == "POST" and bool(CALLING.search(scope["path"]))


def fetches(scope: Scope) -> bool:
    return scope["method"] == "GET" and bool(FETCHING.search(scope["path"]))


def event(body: bytes) -> str:
    """The one that was begun, empty where none was."""
    return next(_named(body, "event_id"), "")


def _is_json(scope: Scope) -> bool:
    return any(name == b"content-type" and value.startswith(b"application/json") for name, value in scope["headers"])


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _named(body: bytes, *names: str) -> Iterator[str]:
    with suppress(ValueError):
        document = json.loads(body)
        if isinstance(document, dict):
            yield from (value for name in names if WORD.fullmatch(value := str(document.get(name) or "")))
