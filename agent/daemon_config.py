"""daemon.json: what the daemon has to know, in a form that costs it nothing to read. Every worker writes it anew."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedProbe:
    """A probe that is asked between the passes. Seconds throughout, as in the file. `unix`: the path of a Unix socket, asked instead of the port."""

    release: str
    host: str
    port: int
    unix: str
    path: str
    period: float
    timeout: float
    threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonConfig:
    """`remotes`: name -> the JSON of a host.git.Remote. `interval` and the periods are in seconds."""

    remotes: dict[str, dict[str, Any]]
    interval: float
    readiness: WatchedProbe | None = None
    liveness: WatchedProbe | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)


def from_json(text: str) -> DaemonConfig:
    """Raises ValueError, KeyError or TypeError for anything that `to_json` did not write."""
    document = json.loads(text)
    return DaemonConfig(
        remotes=document["remotes"],
        interval=document["interval"],
        readiness=_probe(document["readiness"]),
        liveness=_probe(document["liveness"]),
    )


def _probe(found: dict[str, Any] | None) -> WatchedProbe | None:
    return WatchedProbe(**found) if found else None
