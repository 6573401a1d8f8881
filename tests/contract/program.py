"""A tiny web server, standard library only, that a test starts as a release. Each flag is a bad habit."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

FLAGS = set(sys.argv[1:])


def say(text: str) -> None:
    """sd_notify(3)."""
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)


class Server(HTTPServer):
    address_family = socket.AF_INET
    hangs = False

    def server_bind(self) -> None:
        if os.environ.get("LISTEN_PID") == str(os.getpid()):
            self.socket.close()
            self.socket = socket.socket(fileno=3)
        else:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(self.server_address)
        self.server_name, self.server_port = "test", 0

    def service_actions(self) -> None:
        """About once every 0.1 s, from the loop that does the work."""
        while self.hangs:
            time.sleep(1)
        if "WATCHDOG_USEC" in os.environ:
            say("WATCHDOG=1")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        told = {"pid": os.getpid(), "cwd": str(Path.cwd()), "argv": sys.argv, "environ": dict(os.environ)}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.hangs = self.path == "/hang"
        if self.path == "/trigger":
            say("WATCHDOG=trigger")


def leave_a_child_behind() -> None:
    """In a session of its own, holding every descriptor, deaf to SIGTERM."""
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(60)


def main() -> None:
    print("started with", *sys.argv[1:], flush=True)  # noqa: T201 - its log is looked at
    if "--crash" in FLAGS:
        sys.exit(3)
    if "--says-why" in FLAGS:
        for line in ("loading", "the \x1b[31mtable\u2028MainPID=1 is missing é"):
            say(f"STATUS={line}")
        sys.exit(4)
    if "--deaf" in FLAGS:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = Server((os.environ["HOST"], int(os.environ["PORT"])), Handler)
    if "--child" in FLAGS:
        leave_a_child_behind()
    if "--child-says-ready" in FLAGS and os.fork() == 0:
        say("READY=1")
        os._exit(0)
    if "--ready" in FLAGS:
        say("READY=1\nSTATUS=serving")
    server.serve_forever(poll_interval=0.1)


main()
