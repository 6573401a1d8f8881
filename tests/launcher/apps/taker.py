"""A program on the standard library alone that takes its socket from LISTEN_FDS and speaks sd_notify, as its flags say.

`--blocking`: it makes its socket block, which is nobody's business but its own. `--slow`: a second passes before it takes
anybody. `--deaf`: it ignores SIGTERM. `--after FILE`: READY=1 once that exists.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        what = {key: values[0] for key, values in parse_qs(asked.query).items()}
        if "say" in what:
            say(what["say"])
        if "exit" in what:
            os._exit(int(what["exit"]))
        if "kill" in what:
            os.kill(os.getpid(), int(what["kill"]))
        if "touch" in what:
            Path(what["touch"]).touch()
        time.sleep(float(what.get("seconds", 0)))
        if "size" in what:
            self.answer(b"x" * int(what["size"]))
            return
        self.answer({"pid": os.getpid(), "visitor": self.client_address[0], "environment": dict(os.environ)})

    def do_POST(self) -> None:
        self.answer({"size": len(self.rfile.read(int(self.headers["Content-Length"])))})

    def answer(self, told: dict[str, object] | bytes) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


def say(line: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
        ear.send(line.encode())


def end(*_: object) -> None:
    print("the program has ended", flush=True)  # noqa: T201
    threading.Thread(target=server.shutdown).start()


assert os.environ["LISTEN_PID"] == str(os.getpid()), "the socket is meant for somebody else"
assert os.environ["LISTEN_FDS"] == "1"
listening = socket.socket(fileno=3)
if "--blocking" in sys.argv:
    listening.setblocking(True)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = listening
signal.signal(signal.SIGTERM, signal.SIG_IGN if "--deaf" in sys.argv else end)
if "--slow" in sys.argv:
    time.sleep(1)
if "--after" in sys.argv:
    while not Path(sys.argv[-1]).exists():
        time.sleep(0.01)
    say("READY=1")
server.serve_forever(poll_interval=0.05)
