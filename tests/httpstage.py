"""A real HTTP server that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.ports import LOOPBACK


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    code: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)


Play = Callable[[Request], Reply]


class Stage:
    """`play` answers each request; replace it at any time. `requests`: so far, oldest first."""

    def __init__(self, play: Play, *, port: int = 0, certificate: Path | None = None) -> None:
        self.play = play
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer((LOOPBACK, port), _handler(self))
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{'https' if certificate else 'http'}://{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(stage: Stage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, dict(self.headers), body)
            stage.requests.append(request)
            reply = stage.play(request)
            self.send_response(reply.code)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # who has heard enough hangs up
                self.wfile.write(reply.body)

        do_POST = do_GET  # noqa: N815 - the name http.server looks for

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # one that does not trust the certificate
                super().handle()

        def log_message(self, *_: object) -> None:
            """Silent: `Stage.requests` has them."""

    return Handler


@contextlib.contextmanager
def staged(play: Play | Reply, *, port: int = 0, certificate: Path | None = None) -> Iterator[Stage]:
    stage = Stage(play if callable(play) else lambda _: play, port=port, certificate=certificate)
    try:
        yield stage
    finally:
        stage.stop()


@contextlib.contextmanager
def raw(speak: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a listener whose first visitor gets what `speak` does to its connection."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                speak(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()
