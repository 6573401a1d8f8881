"""A client of /echo by a Unix socket: `talk.py SOCKET [--stay]`."""

import sys

from websockets.sync.client import unix_connect

with unix_connect(sys.argv[1], "ws://localhost/echo") as connection:
    connection.send("hello")
    print(connection.recv(), flush=True)  # noqa: T201
    if "--stay" in sys.argv:
        for _ in connection:
            pass
