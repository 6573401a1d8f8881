"""The socket that programs tell their state to (sd_notify(3)). The kernel says who told it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from secrets import token_hex

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7)
_SCM_CREDENTIALS = 2


class NotifySocket:
    """Calls `heard(pid, fields)` for every message. Abstract: nothing to clean up, no limit to a path's length."""

    def __init__(self, heard: Callable[[int, Mapping[str, str]], None]) -> None:
        self._heard = heard
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.address = f"@gitops-vm-{token_hex(8)}"
        self._socket.bind("\0" + self.address[1:])
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        # Room for the credentials only: descriptors sent along are closed by the kernel.
        data, ancillary, _, _ = self._socket.recvmsg(8192, socket.CMSG_SPACE(_CREDENTIALS.size))
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SCM_CREDENTIALS):
                pid, _, _ = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])
                self._heard(pid, _fields(data))


def _fields(data: bytes) -> dict[str, str]:
    pairs = (line.partition("=") for line in data.decode(errors="replace").splitlines())
    return {name: value for name, _, value in pairs}
