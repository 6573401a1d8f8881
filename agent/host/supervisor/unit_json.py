"""A unit as it lies on disk for the supervisor: `units/<release>.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ...names import ReleaseId
from ...unit import Address, Unit

_DURATIONS = ("watchdog", "start_timeout", "stop_timeout")


def path(directory: Path, release: ReleaseId) -> Path:
    return directory / "units" / f"{release}.json"


def encode(unit: Unit) -> str:
    """The same unit always as the same text. Durations in seconds."""
    values: dict[str, Any] = asdict(replace(unit, env=dict(unit.env)))
    for name in _DURATIONS:
        values[name] = values[name].total_seconds() if values[name] is not None else None
    return json.dumps(values, indent=1) + "\n"


def decode(text: str) -> Unit:
    """Raises ValueError, TypeError or KeyError for what `encode` did not write."""
    values: dict[str, Any] = json.loads(text)
    for name in _DURATIONS:
        values[name] = timedelta(seconds=values[name]) if values[name] is not None else None
    listen = values["listen"] and Address(*values["listen"])
    return Unit(**{**values, "argv": tuple(values["argv"]), "listen": listen})
