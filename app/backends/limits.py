"""The HTTP client under Hugging Face's own: how long a call may take, how much may come back, and where the token may go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import httpx2

CONNECT = timedelta(seconds=5)
LONGEST_ANSWER = 1024 * 1024  # bytes

_deadline: ContextVar[float | None] = ContextVar("_deadline", default=None)


class Refused(httpx2.TransportError):
    """The service answered with an HTTP status that is no success. Its words were not read: they could repeat ours."""

    def __init__(self, status: int, retry_after: str | None) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.retry_after = retry_after  # the header as it came


class Unacceptable(httpx2.TransportError):
    """What came back is no answer of an inference service: too long, or an encoding nobody asked for."""


@contextmanager
def within(limit: timedelta) -> Iterator[None]:
    """The calls inside end after this time, also when the other side sends a byte now and then."""
    token = _deadline.set(time.monotonic() + limit.total_seconds())
    try:
        yield
    finally:
        _deadline.reset(token)


class LimitedClient(httpx2.Client):
    """Limits each POST, which is what asks for an inference; downloads of models are none.

    No redirect is followed: the token and the visitor's text go to no other host than the one they are meant for.
    """

    def __init__(self) -> None:
        super().__init__(follow_redirects=True, timeout=CONNECT.total_seconds())

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        deadline = _deadline.get()
        if request.method != "POST" or deadline is None:
            return super().send(request, stream=stream, **options)
        request.headers["accept-encoding"] = "identity"  # what is unpacked has no limit
        request.extensions["timeout"] = _timeouts(deadline)
        response = super().send(request, stream=True, **{**options, "follow_redirects": False})
        try:
            _check(response)
        except httpx2.TransportError:
            response.close()
            raise
        response.stream = _Limited(response.stream, deadline)
        if not stream:
            response.read()
        return response


class _Limited(httpx2.SyncByteStream):
    def __init__(self, stream: Any, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        length = 0
        for chunk in self._stream:
            length += len(chunk)
            if length > LONGEST_ANSWER:
                raise Unacceptable(f"an answer longer than {LONGEST_ANSWER} bytes")
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer came too slowly")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def _check(response: httpx2.Response) -> None:
    if not response.is_success:
        raise Refused(response.status_code, response.headers.get("retry-after"))
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Unacceptable("an encoding that was not asked for")


def _timeouts(deadline: float) -> dict[str, float]:
    left = max(0.001, deadline - time.monotonic())
    return {"connect": min(left, CONNECT.total_seconds()), "read": left, "write": left, "pool": left}
