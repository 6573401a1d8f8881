"""Text from outside, made harmless for a Markdown page: it can neither format, link, embed nor leave its table cell.

CommonMark 0.31, section 2.4: any ASCII punctuation may be escaped by a backslash. GitHub's autolinks need `:`, `@` or `www.`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ACTIVE = re.compile(r"[\\`*_\[\]<>|~&$:@#{}()!^=]|(?<=www)\.", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_LINKED = re.compile(r"https?://(?:[\w.~%+-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?(?:/[\w./%~+?=&-]*)?", re.ASCII)
_LONGEST = 400


def plain(text: object, most: int = _LONGEST) -> str:
    """One line of inert text."""
    line = _UNPRINTABLE.sub(" ", str(text)).strip()
    if len(line) > most:
        line = f"{line[:most]}…"
    return _ACTIVE.sub(lambda found: f"\\{found[0]}", line)


def code(text: object) -> str:
    """The same in a code span. A pipe would end the cell even there, a backtick the span."""
    line = _UNPRINTABLE.sub(" ", str(text)).strip().replace("`", "'").replace("|", "¦")
    return f"`{line}`" if line else ""


def link(label: str, url: str | None) -> str:
    """`label` is Markdown already. Only http and https lead out of the page."""
    safe = url is not None and _LINKED.fullmatch(url)
    return f"[{label}]({url})" if safe else label


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """The cells are Markdown already. Empty without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join((f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines))
