"""Secrets out, before anything is written or shown: the values this agent knows first, then whatever looks like one.

The patterns are those of gitleaks for the tokens named, plus the three it misses: Telegram, user:pass@, Authorization.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
SHORTEST = 6
"""A shorter value is a word of everyday text; taking it out would hide nothing and spoil the page."""

_LINE = 16  # a line of a multi-line secret counts by itself from this length on
_PATTERNS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | AGE-SECRET-KEY-1[0-9A-Z]{20,}
    | \bhf_[A-Za-z0-9]{16,}
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bglpat-[A-Za-z0-9_.-]{16,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}
    | (?<=hooks\.slack\.com/)[A-Za-z0-9/_-]{10,}
    | \b[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | \bsk-[A-Za-z0-9_-]{20,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+
    | (?i:(?<=https://)|(?<=http://))[^\s/@]+(?=@)
    | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)
    | (?i:(?<=authorization:)|(?<=authorization=))\s*(?:[A-Za-z]+\s+)?[^\s"',;]+
    | (?i:(?<=\bbearer\s))[^\s"',;]{8,}
    """,
    re.VERBOSE | re.DOTALL,
)

VOCABULARY = frozenset(
    (
        *("apiVersion", "kind", "type", "status", "reason", "severity", "sync", "health", "activeState"),
        *("revision", "lastAttemptedRevision", "lastAppliedRevision", "activeRevision", "ref", "host", "app", "mode"),
    )
)
"""Fields that hold words of this program or names that are in git already: a secret that equals one is not told by it."""


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret, in plain, JSON, base64 or URL form, replaced by `[redacted]`."""
    known = _known(frozenset(secrets))
    if known.forms:
        text = known.forms.sub(MARK, text)
    for value in known.values:
        text = _without_ends(text, value)
    return _PATTERNS.sub(MARK, text)


def redact_values(value: Any, secrets: Iterable[str]) -> Any:
    """The same for every string of a JSON value, but for those under a key of VOCABULARY."""
    chosen = frozenset(secrets)
    if isinstance(value, str):
        return redact(value, chosen)
    if isinstance(value, list):
        return [redact_values(each, chosen) for each in value]
    if isinstance(value, dict):
        return {key: each if _is_word(key, each) else redact_values(each, chosen) for key, each in value.items()}
    return value


def _is_word(key: str, value: Any) -> bool:
    return key in VOCABULARY and isinstance(value, str)


class _Known(NamedTuple):
    values: tuple[str, ...]
    forms: re.Pattern[str] | None


@lru_cache(maxsize=4)
def _known(secrets: frozenset[str]) -> _Known:
    values = tuple({part for secret in secrets for part in _parts(secret)})
    forms = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
    return _Known(values, re.compile("|".join(map(_pattern, forms))) if forms else None)


def _without_ends(text: str, value: str) -> str:
    """A text that was cut may begin or stop in the middle of a secret."""
    body = text.removesuffix("…")
    for length in range(min(len(value) - 1, len(body)), SHORTEST - 1, -1):
        if body.endswith(value[:length]):
            return body[:-length] + MARK
        if body.startswith(value[-length:]):
            return MARK + text[length:]
    return text


def _parts(secret: str) -> Iterator[str]:
    """The whole, and each long line of it: a program may print a key line by line."""
    secret = secret.strip()
    if len(secret) >= SHORTEST:
        yield secret
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= _LINE)


def _forms(value: str) -> Iterator[str]:
    printable = "".join(each if each.isprintable() else " " for each in value)
    yield from (
        value,
        " ".join(value.split()),
        " ".join(printable.split()),
    )  # the last two: as words that were put on one line
    yield value.encode("unicode_escape").decode()
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (quote(value, safe=""), quote_plus(value), quote(value))
    for encode in (b64encode, urlsafe_b64encode):
        yield from _in_base64(value.encode(), encode)


def _pattern(form: str) -> str:
    """RFC 3986, 2.1: the digits of %3A may be in either case."""
    return re.sub(r"%[0-9A-Fa-f]{2}", lambda found: f"(?i:{found[0]})", re.escape(form))


def _in_base64(raw: bytes, encode: Any) -> Iterator[str]:
    """As it looks inside something longer (user:token): three alignments, without the characters its neighbours share."""
    for shift in range(3):
        coded = encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = coded[(0, 2, 3)[shift] : len(raw + b"\0" * shift) * 8 // 6]
        if len(inner) >= SHORTEST:
            yield inner
