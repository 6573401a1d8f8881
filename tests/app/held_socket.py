"""Starts a program as a systemd socket unit would: `held_socket.py PORT PROGRAM...`, the listening socket as descriptor 3.

LISTEN_PID has to be the program's own process id, which only a process that becomes the program knows.
"""

from __future__ import annotations

import os
import socket
import sys

port, *argv = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", int(port)), backlog=512)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(argv[0], argv)  # noqa: S606 - becoming the program is what it is for
