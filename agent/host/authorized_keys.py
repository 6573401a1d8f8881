"""Whose keys open this account: the fingerprints of authorized_keys, in the format of sshd(8)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")
"""Below the home: sshd_config(5), the default of AuthorizedKeysFile."""

_OPTIONS = re.compile(r'(?:"(?:\\"|[^"])*"|[^"\s])+[ \t]+')
_KEY = re.compile(r"([a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:\s|$)", re.ASCII)


def fingerprints(home: Path) -> tuple[str, ...]:
    """`SHA256:...` of each key, once, in their order; certificate authorities are keys as well.

    A file that is absent holds none. Raises OSError for one that cannot be read.
    """
    found: dict[str, None] = {}
    for name in FILES:
        try:
            text = (home / name).read_text(errors="replace")
        except FileNotFoundError:
            continue
        found |= dict.fromkeys(_fingerprints(text))
    return tuple(found)


def _fingerprints(text: str) -> Iterator[str]:
    for line in map(str.strip, text.splitlines()):
        blob = None if line.startswith("#") else _key(line) or _key(_without_options(line))
        if blob:
            yield "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _without_options(line: str) -> str:
    """Options may hold spaces and escaped quotes within quotes."""
    options = _OPTIONS.match(line)
    return line[options.end() :] if options else ""


def _key(line: str) -> bytes | None:
    """The key a line begins with. It names its own kind (RFC 4253, section 6.6): other words are options."""
    words = _KEY.match(line)
    if words is None:
        return None
    try:
        blob = base64.b64decode(words[2], validate=True)
    except binascii.Error:
        return None
    kind = words[1].encode()
    return blob if blob.startswith(len(kind).to_bytes(4, "big") + kind) else None
