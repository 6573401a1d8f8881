"""A server of packages as they should not be: below /503 it has a bad day, below /silent it says nothing, and it has no good wheel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from tests.ports import LOOPBACK

CORRUPT = "corrupt-1-py3-none-any.whl"


class _Handler(SimpleHTTPRequestHandler):
    def send_head(self) -> BytesIO | BinaryIO | None:
        if self.path.startswith("/503/"):
            self.send_error(503)
            return None
        if self.path.startswith("/silent/"):
            self.rfile.read()  # until who asked has given up
            return None
        return super().send_head()

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextmanager
def bad_index(folder: Path) -> Iterator[int]:
    """Its port."""
    (folder / CORRUPT).write_bytes(b"PK\x03\x04 and there the upload ended")
    server = ThreadingHTTPServer((LOOPBACK, 0), partial(_Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
