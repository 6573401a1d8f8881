"""The kinds of text a file may hold: names, paths in the repository, addresses, points in time."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from .values import Matching, anchored, refusal

NAME = r"[a-z][a-z0-9-]{0,30}"
HOST = r"(?!.*\.\.)(?!.*\.lock$)[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9-])?"
LINE = r"[^\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]"
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"

NAME_RULE = 'write 1 to 31 lower-case letters, digits and "-", beginning with a letter'
HOST_RULE = 'write 1 to 63 lower-case letters, digits, "." and "-", beginning with a letter or digit'

Name = Annotated[str, Matching(NAME, NAME_RULE)]
HostName = Annotated[str, Matching(HOST, HOST_RULE)]
Extra = Annotated[str, Matching(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", "write the name of an extra")]
PythonVersion = Annotated[str, Matching(r"3\.[0-9]{1,2}(?:\.[0-9]{1,2})?", 'write a version such as "3.11"')]
Sentence = Annotated[str, Matching(LINE + "{0,200}", "write one line of at most 200 characters")]
UrlPath = Annotated[
    str, Matching(r"/[!-~]{0,1023}", 'write a path that begins with "/" and holds no spaces, such as /healthz')
]
WebURL = Annotated[
    str,
    Matching(
        r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:/[!-?A-~]{0,1023})?",
        "write an http:// or https:// URL; a user, a password or a token never stands in it",
    ),
]


def _relative(text: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    path = "/".join(parts)
    if text.startswith(("/", "~")) or ".." in parts or path.startswith("-") or not re.fullmatch(LINE + "{1,255}", text):
        raise refusal('write a path inside the repository: relative, without "..", not beginning with "-"')
    return path or "."


RelativePath = Annotated[
    str,
    AfterValidator(_relative),
    WithJsonSchema({"type": "string", "pattern": anchored(rf"(?![-/~])(?!(?:.*/)?\.\.(?:/|$)){LINE}{{1,255}}")}),
]


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text if "%" not in text else ""))
    except ValueError:
        raise refusal("write the address to listen on: 0.0.0.0, 127.0.0.1, :: or one of this VM's") from None


Address = Annotated[
    str, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": anchored("[0-9A-Fa-f.:]{2,45}")})
]


def _instant(written: Any) -> datetime:
    if isinstance(written, str) and re.fullmatch(_INSTANT, written):
        try:
            return datetime.fromisoformat(written).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise refusal('write a point in time with its zone, such as "2026-12-01T00:00:00Z"')


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(lambda at: at.isoformat().replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": anchored(_INSTANT)}),
]
