"""`requests` over a Unix socket: `http+unix://NAME/path`, where a function says which socket NAME is."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import NewConnectionError

from .unix import connected

SCHEME = "http+unix://"
_PATIENCE = timedelta(seconds=3)  # where the request names none


class _Connection(HTTPConnection):
    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__("localhost", **options)
        self._path = path

    def _new_conn(self) -> socket.socket:
        seconds = self.timeout if isinstance(self.timeout, int | float) else _PATIENCE.total_seconds()
        try:
            return connected(self._path, timedelta(seconds=seconds))
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error


class _Pool(HTTPConnectionPool):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def _new_conn(self) -> _Connection:
        return _Connection(self._path, timeout=self.timeout.connect_timeout)


class UnixAdapter(HTTPAdapter):
    def __init__(self, socket_of: Callable[[str], Path]) -> None:
        super().__init__()
        self._socket_of = socket_of

    def get_connection_with_tls_context(self, request: PreparedRequest, *_: Any, **__: Any) -> _Pool:
        return _Pool(self._socket_of(urlsplit(request.url or "").hostname or ""))

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:  # noqa: ARG002 - as HTTPAdapter has it
        parts = urlsplit(request.url or "")
        return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
