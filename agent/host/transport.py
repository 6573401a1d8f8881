"""A repository elsewhere: its address, the one ref of it that is tracked, and where its credentials are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

_URL = re.compile(r"(?:(?P<scheme>[a-z]+)://)?(?:[^@/]*@)?(?P<host>\[[^\]]+\]|[^:/]*)(?::(?P<port>\d+)(?=/|\Z))?")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_PATHS = ("key", "known_hosts", "credentials")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """`ref` is whole: `refs/heads/main`, `refs/tags/v1`, or a commit's 40 hex digits. `credentials`, for https, is a file
    of mode 0600 with one line `user:token`. `persist` keeps an ssh connection open for that long (0: never).
    `runtime` is a directory private to this user.
    """

    url: str
    ref: str
    runtime: Path
    key: Path | None = None
    known_hosts: Path | None = None
    credentials: Path | None = None
    persist: timedelta = timedelta(0)

    @property
    def protocol(self) -> str:
        """The one protocol git may speak for it: ssh, https, file (a path on this machine), or "none" for anything else.

        Plain http is spoken on the loopback interface only.
        """
        scheme, host, _ = _parts(self.url)
        allowed = scheme in {"ssh", "https", "file"} or (scheme == "http" and host in _LOOPBACK)
        return scheme if allowed else "none"

    @property
    def host(self) -> str:
        """As the URL has it, with its port if there is one: `example.org:8443`."""
        _, host, port = _parts(self.url)
        return f"{host}:{port}" if port else host

    @property
    def name(self) -> str:
        """The ref for people: `main`, `v1`, or the commit."""
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")

    @property
    def is_commit(self) -> bool:
        return not self.ref.startswith("refs/")

    def to_json(self) -> dict[str, Any]:
        """`from_json` reads it."""
        paths = {name: str(path) if (path := getattr(self, name)) else None for name in _PATHS}
        seconds = self.persist.total_seconds()
        return {"url": self.url, "ref": self.ref, "runtime": str(self.runtime), "persist": seconds, **paths}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Remote:
        """Raises KeyError or TypeError for anything that `to_json` did not write."""
        paths = {name: Path(fields[name]) if fields[name] else None for name in _PATHS}
        persist = timedelta(seconds=fields["persist"])
        return cls(url=fields["url"], ref=fields["ref"], runtime=Path(fields["runtime"]), persist=persist, **paths)


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, host and port, as git reads them: an absolute path is a file, `user@host:path` is ssh."""
    match = _URL.match(url)
    if not match:
        return "", "", ""
    scheme = match["scheme"] or ("file" if url.startswith("/") else "ssh")
    return scheme, match["host"], match["port"] or ""
