"""The socket on which a program tells its state (sd_notify(3)). Only its main process is heard: the kernel says who spoke."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from secrets import token_hex

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7)
_SCM_CREDENTIALS = 2
_LONGEST = 8192  # bytes of a message
_AT_ONCE = 64  # messages that are read before the loop has another turn: last words count before the end itself

Heard = Callable[[int, Mapping[str, str]], None]


class Ear:
    """Calls `heard(pid, fields)` for every message that is read. Abstract: no limit to a path's length, nothing to clean up."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.address = f"@gitops-vm-{token_hex(8)}"
        self.socket.bind("\0" + self.address[1:])

    def read(self) -> None:
        # Room for the credentials only: descriptors sent along are closed by the kernel.
        said, ancillary, _, _ = self.socket.recvmsg(_LONGEST, socket.CMSG_SPACE(_CREDENTIALS.size))
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SCM_CREDENTIALS):
                pid, _, _ = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])
                pairs = (line.partition("=") for line in said.decode(errors="replace").split("\n"))
                self._heard(pid, {name: value for name, _, value in pairs})


class Hearing:
    """An ear of the running loop."""

    def __init__(self, heard: Heard) -> None:
        ear = Ear(heard)
        ear.socket.setblocking(False)
        self.address = ear.address
        self._ear = ear
        asyncio.get_running_loop().add_reader(ear.socket, self._read)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            for _ in range(_AT_ONCE):
                self._ear.read()
