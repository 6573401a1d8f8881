"""Values on the command line: argparse shows the message of a refusal, and the exit code is that of usage."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ..addresses import refusal, repository_refusal
from ..status.wire import duration, read_duration, read_instant
from ..vms import is_name

_CODES = r"[1-5][0-9]{2}"


def span(least: timedelta, most: timedelta) -> Callable[[str], timedelta]:
    """A duration such as 10s or 1h30m within [least, most]."""

    def read(text: str) -> timedelta:
        try:
            value = read_duration(text)
        except (ValueError, OverflowError):
            raise ArgumentTypeError("write a duration with its unit, such as 10s, 5m or 1h30m") from None
        if least <= value <= most:
            return value
        raise ArgumentTypeError(f"write {duration(least)} to {duration(most)}")

    return read


def moment(text: str) -> datetime:
    """A point in time to come: with its zone, or after a duration such as 48h."""
    now = datetime.now(UTC)
    try:
        at = now + read_duration(text) if text[-1:] in "hms" else read_instant(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(
            "write a duration such as 30m or 48h, or a time with its zone: 2026-12-01T08:00:00Z"
        ) from None
    if at <= now:
        raise ArgumentTypeError("write a time that is still to come")
    return at


def count(most: int) -> Callable[[str], int]:
    """A whole number from 1 to `most`."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most:
            return int(text)
        raise ArgumentTypeError(f"write a whole number from 1 to {most}")

    return read


def http_status(text: str) -> int:
    if re.fullmatch(_CODES, text):
        return int(text)
    raise ArgumentTypeError("write an HTTP status such as 200")


def host(text: str) -> str:
    if is_name(text):
        return text
    raise ArgumentTypeError("write what follows status/ in the name of a branch, such as vm-1")


def remote(text: str) -> str:
    if message := repository_refusal(text):
        raise ArgumentTypeError(message)
    return text


def revision(text: str) -> str:
    """The digits of a commit, or of a revision as the status writes it; some of them are enough."""
    if found := re.fullmatch(r"(?:\S*sha1:)?([0-9a-f]{4,40})", text):
        return found[1]
    raise ArgumentTypeError("write a commit, such as 4f2c9d1a or $(git rev-parse HEAD)")


def target(text: str) -> str:
    """A URL, or the name of a VM: what has no scheme."""
    if "://" in text and (message := refusal(text)):
        raise ArgumentTypeError(message)
    return text
