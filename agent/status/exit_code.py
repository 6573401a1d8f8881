"""What `gitops-vm status` and `gitops-vm wait` end with: kstatus's verdict on a document. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import Any

from ..errors import Reason
from .wire import read_duration, read_instant

_MISSED = 2
"""So many intervals without a heartbeat, and the document says nothing about now."""


class Code(IntEnum):
    CURRENT = 0
    FAILED = 1
    IN_PROGRESS = 2
    UNKNOWN = 3

    @property
    def word(self) -> str:
        return self.name.lower().replace("_", " ")


def worst(codes: Iterable[Code]) -> Code:
    """Of several VMs. What failed is graver than what is not known, and that than what is under way."""
    return max(codes, key=(Code.CURRENT, Code.IN_PROGRESS, Code.UNKNOWN, Code.FAILED).index)


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


def code_of(document: dict[str, Any], revision: str, now: datetime) -> Code:
    """The same about one revision, by the first of its 40 digits: the newest, or one that a newer one has followed."""
    verdict = exit_code(document, now)
    if verdict is Code.UNKNOWN or _is(document["lastAttemptedRevision"], revision):
        return verdict
    known = next((each for each in document["history"] if _is(each["revision"], revision)), None)
    if known is None or known["duration"] is None:
        return Code.IN_PROGRESS
    return Code.CURRENT if known["status"] == Reason.RECONCILIATION_SUCCEEDED else Code.FAILED


def _is(named: str | None, digits: str) -> bool:
    return named is not None and named.rpartition(":")[2].startswith(digits)
