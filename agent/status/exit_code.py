"""What `gitops-vm status` and `gitops-vm wait` end with: kstatus's verdict on a document. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Any

from .wire import read_duration, read_instant

_MISSED = 2
"""So many intervals without a heartbeat, and the document says nothing about now."""


class Code(IntEnum):
    CURRENT = 0
    FAILED = 1
    IN_PROGRESS = 2
    UNKNOWN = 3


def exit_code(document: dict[str, Any], now: datetime) -> Code:
    """The verdict. A dead agent must not look ready: a heartbeat older than twice its interval is UNKNOWN."""
    if is_stale(document, now):
        return Code.UNKNOWN
    held = {each["type"]: each["status"] for each in document["conditions"]}
    if held.get("Stalled") == "True":
        return Code.FAILED
    if held.get("Reconciling") == "True" or document["generation"] != document["observedGeneration"]:
        return Code.IN_PROGRESS
    return {"True": Code.CURRENT, "False": Code.FAILED}.get(held.get("Ready", ""), Code.UNKNOWN)


def is_stale(document: dict[str, Any], now: datetime) -> bool:
    beat = document["heartbeat"]
    return now - read_instant(beat["time"]) > _MISSED * read_duration(beat["interval"])
