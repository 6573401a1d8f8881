"""The one listening socket that is held while releases come and go."""

from __future__ import annotations

import errno
import os
import socket

from ...unit import Address

_BACKLOG = 4096  # as gitops-app.socket


class Held:
    """Nothing is held at first."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.address: Address | None = None

    def listen(self, address: Address | None) -> None:
        """Hold exactly this address, or none. Raises OSError where it cannot be had; then nothing is held."""
        if address == self.address:
            return
        if self._socket:
            self._socket.close()
        self._socket = self.address = None
        if address:
            self._socket, self.address = _open(address), address

    def fileno(self) -> int | None:
        """None while nothing is held."""
        return self._socket.fileno() if self._socket else None

    def descriptor(self, address: Address) -> int:
        """Raises OSError where this is not the address that is held."""
        if self._socket is None or address != self.address:
            message = f"the socket {address} is not held"
            raise OSError(errno.ENOTCONN, message)
        return self._socket.fileno()


def _open(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    held = socket.socket(family)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
        held.listen(_BACKLOG)
        os.set_blocking(held.fileno(), False)  # for every release alike, see gitops-app@.service
    except OSError:
        held.close()
        raise
    return held
