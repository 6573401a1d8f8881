"""HTTP with somebody elsewhere: the URL of an app, a chat's API. What comes back, or why nothing does, is a value.

The deadline holds for all of it: name, connection, redirects, every byte of the body.
"""

from __future__ import annotations

import time
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests

from .. import __version__
from ..smoke import Answer, Outcome, Silence
from .web_errors import explain, place

LARGEST = 1024 * 1024
"""Bytes of a body that are read at most."""

_CHUNK = 16384
_REDIRECTS = 10
_GRACE = timedelta(milliseconds=500)  # requests gives up by itself and says more; this is for what it cannot bound


def ask(url: str, *, within: timedelta, follows: bool = True, payload: Any = None) -> Answer | Silence:
    """GET, or POST of `payload` as JSON. Proxies, CA bundles and ~/.netrc are those of this user."""
    came: SimpleQueue[Answer | Silence] = SimpleQueue()
    # A thread, because neither the resolver nor a server that drips can be bounded from within; it ends with the process.
    Thread(target=lambda: came.put(_exchange(url, within, follows, payload)), daemon=True).start()
    try:
        return came.get(timeout=(within + _GRACE).total_seconds())
    except Empty:
        return _too_slow(url, within)


def _exchange(url: str, within: timedelta, follows: bool, payload: Any) -> Answer | Silence:
    began = time.monotonic()
    try:
        with requests.Session() as session:
            session.max_redirects = _REDIRECTS
            session.headers["User-Agent"] = f"gitops-vm/{__version__}"
            answer = session.request(
                "GET" if payload is None else "POST",
                url,
                json=payload,
                timeout=within.total_seconds(),
                allow_redirects=follows,
                stream=True,
            )
            body = _body(answer)
    except requests.RequestException as error:
        return explain(error, url, within)
    latency = timedelta(seconds=time.monotonic() - began)
    return _too_slow(url, within) if latency > within else _answer(answer, body, latency)


def _body(answer: requests.Response) -> bytes:
    body = b""
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > LARGEST:
            break
    return body


def _answer(answer: requests.Response, body: bytes, latency: timedelta) -> Answer:
    kind = answer.headers.get("content-type", "")
    charset = answer.encoding if "charset" in kind and answer.encoding else "utf-8"
    return Answer(
        code=answer.status_code,
        url=answer.url,
        body=_decoded(body[:LARGEST], charset),
        whole=len(body) <= LARGEST,
        latency=latency,
        kind=kind,
        retry_after=answer.headers.get("retry-after", ""),
    )


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, errors="replace")
    except LookupError:  # a charset that Python does not know
        return body.decode(errors="replace")


def _too_slow(url: str, within: timedelta) -> Silence:
    return Silence(
        outcome=Outcome.TIMED_OUT,
        message=f"{place(urlsplit(url))} did not give its whole answer within {within.total_seconds():g} s",
        hint="it may hang: on the VM, gitops-vm logs; or allow more with --within",
    )
