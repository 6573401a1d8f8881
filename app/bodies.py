"""What visitors may send to the pages: Gradio itself would store any file, and keep any question in memory."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LONGEST = 256 * 1024  # bytes: a press of a button brings the session along, of 50 texts
FILES = ("/gradio_api/upload", "/gradio_api/process_recording", "/gradio_api/component_server")

NO_FILES = JSONResponse({"reason": "NotFound", "message": "This app takes no files."}, 404)
TOO_LONG = JSONResponse({"reason": "TooLong", "message": f"The request is longer than {LONGEST} bytes."}, 413)


class Bounded:
    """The pages, which see a request only once its whole body is there."""

    def __init__(self, pages: ASGIApp) -> None:
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(FILES):
            await NO_FILES(scope, receive, send)
        elif (first := await _whole(receive)) is None:
            await TOO_LONG(scope, receive, send)
        else:
            await self._pages(scope, _beginning_with(first, receive), send)


async def _whole(receive: Receive) -> Message | None:
    """The body as one message, or that the visitor has left; None for one that is too long."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > LONGEST:
            return None
        if not message.get("more_body", False):
            return {**message, "body": bytes(body)}


def _beginning_with(first: Message, receive: Receive) -> Receive:
    rest = [first]

    async def next_message() -> Message:
        return rest.pop() if rest else await receive()

    return next_message
