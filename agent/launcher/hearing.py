"""The socket on which a program tells its state (sd_notify(3)). Only its main process is heard: the kernel says who spoke."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from secrets import token_hex

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7)
_SCM_CREDENTIALS = 2
_LONGEST = 8192  # bytes of a message


class Hearing:
    """Calls `heard(pid, fields)` for every message. Abstract: no limit to a path's length, nothing to clean up."""

    def __init__(self, heard: Callable[[int, Mapping[str, str]], None]) -> None:
        self._heard = heard
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.address = f"@gitops-vm-{token_hex(8)}"
        self._socket.bind("\0" + self.address[1:])
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        # Room for the credentials only: descriptors sent along are closed by the kernel.
        said, ancillary, _, _ = self._socket.recvmsg(_LONGEST, socket.CMSG_SPACE(_CREDENTIALS.size))
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SCM_CREDENTIALS):
                pid, _, _ = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])
                pairs = (line.partition("=") for line in said.decode(errors="replace").splitlines())
                self._heard(pid, {name: value for name, _, value in pairs})
