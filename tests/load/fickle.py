"""A server that does what a test tells it to, bytes and all: also what no library would let it do."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from tests.ports import LOOPBACK

Deed = Callable[[socket.socket, bytes], bool]
"""Does something with a connection on which that request came; whether another may come on it."""


def well(text: str = '{"revision": "a"}') -> Deed:
    return says(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}")


def says(text: str, *, more: bool = True) -> Deed:
    def deed(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(text.encode())
        return more

    return deed


def streams(*events: str, ends: bool = True, then: Deed | None = None) -> Deed:
    """Chunks, as servers send a stream; with `ends` the chunk that ends the body."""

    def deed(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for event in events:
            connection.sendall(f"{len(event):x}\r\n{event}\r\n".encode())
        if ends:
            connection.sendall(b"0\r\n\r\n")
        return then(connection, request) if then else ends

    return deed


def drops(connection: socket.socket, _: bytes) -> bool:
    return False


def resets(connection: socket.socket, _: bytes) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def stalls(connection: socket.socket, _: bytes) -> bool:
    """Until the client has had enough."""
    connection.recv(1)
    return False


class Fickle:
    """`play` decides on each request; the deeds done are counted in `requests`."""

    def __init__(self, play: Callable[[bytes], Deed]) -> None:
        self._play = play
        self._listener = socket.create_server((LOOPBACK, 0), backlog=100)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := _read(connection):
                self.requests.append(request)
                if not self._play(request)(connection, request):
                    return


def _read(connection: socket.socket) -> bytes:
    """One request, its body included; empty when the client has gone."""
    found = b""
    while b"\r\n\r\n" not in found:
        if not (more := connection.recv(65536)):
            return b""
        found += more
    head, _, body = found.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def fickle(play: Callable[[bytes], Deed]) -> Iterator[Fickle]:
    """`play` takes a request and gives a deed."""
    server = Fickle(play)
    try:
        yield server
    finally:
        server.stop()
