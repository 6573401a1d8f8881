"""From bytes to text that is safe to parse and to print."""

from __future__ import annotations

import re

MAX_BYTES = 64 * 1024

# Control characters, lone surrogates, and what hides or reorders text: U+2028..202E, U+2066..2069, the byte order mark.
UNWANTED = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


class UnreadableError(Exception):
    """Ends the reading. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def decoded(data: bytes) -> str:
    """The text of a file, with plain line ends and without a byte order mark. Raises UnreadableError."""
    if len(data) > MAX_BYTES:
        raise UnreadableError(1, f"is longer than {MAX_BYTES} bytes; no more are read")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError(1, "is UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(line, "is not UTF-8 here; save it as UTF-8") from None
    if found := UNWANTED.search(text):
        raise UnreadableError(_line(text, found), f"holds the character U+{ord(found.group()):04X}; take it out")
    if found := _CONFLICT.search(text):
        raise UnreadableError(_line(text, found), "holds an unresolved merge conflict; resolve it")
    return text


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1
