"""An ASGI app on the standard library alone: what a launched release of a contract test runs."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

if Path("crashes").exists():  # a test puts these beside it, and takes them away
    sys.exit("it crashes")
if Path("leaves").exists():
    sys.exit()
if Path("opens").exists():
    OWN = socket.create_server(("127.0.0.1", int(Path("opens").read_text())))
if Path("sleeps").exists():
    time.sleep(float(Path("sleeps").read_text()))


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = json.dumps({"release": os.environ["RELEASE"], "pid": os.getpid()}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})
