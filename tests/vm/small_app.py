"""The app that most machines here run: no packages, up in a moment, and what a test reads from it over HTTP.

It is deployed as `app.py`; a bad push is this text with a line changed or added.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READY = True


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        well = READY or self.path != "/readyz"
        names = ("REVISION", "RELEASE", "MODE", "GREETING")
        answer = {"pid": os.getpid(), **{name.lower(): os.environ.get(name) for name in names}}
        self.send_response(200 if well else 500)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer if well else {"reason": "OutOfInk"}).encode())

    def log_message(self, template: str, *values: object) -> None:
        """Silent: the journal of a test is read by people."""


def tell(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
        systemd.send(text.encode())


def feed_watchdog() -> None:
    tell("WATCHDOG=1")
    timer = threading.Timer(0.5, feed_watchdog)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
    tell("READY=1")
    feed_watchdog()
    server.serve_forever()
