"""Starts a program as systemd would start one that shares a socket: `pass_socket.py DESCRIPTOR PROGRAM...`.

LISTEN_PID has to be the program's own process id, which only a process that becomes the program knows.
"""

from __future__ import annotations

import os
import sys

descriptor, *argv = sys.argv[1:]
os.dup2(int(descriptor), 3)
os.set_inheritable(3, True)
os.set_blocking(3, False)  # NonBlocking=yes
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(argv[0], argv)  # noqa: S606 - becoming the program is what it is for
