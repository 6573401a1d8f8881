"""A status document as a person reads it in a terminal: aligned, short, coloured only by the caller's `paint`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..names import Revision, short
from .exit_code import is_stale
from .standing import machine_words, outage_words, rollout_words, ssh_words
from .wire import read_instant

Paint = Callable[[str, str], str]
"""(text, colour) -> text; the colours used are red, green, yellow, dim and bold."""

_HEALTH = {"Healthy": "green", "Progressing": "yellow", "Degraded": "red", "Suspended": "yellow", "Unknown": "yellow"}
_GOOD = frozenset({("Ready", "True"), ("Healthy", "True")})
_BAD = frozenset({("Ready", "False"), ("Healthy", "False"), ("Stalled", "True"), ("FetchFailed", "True")})
_SHOWN_HISTORY = 5


def uncoloured(text: str, _colour: str) -> str:
    return text


def render(document: dict[str, Any], now: datetime, *, doubt: str = "", paint: Paint = uncoloured) -> str:
    """Several lines without a final newline. The document may come from a remote: nothing in it reaches the terminal raw.

    `doubt`: why it may no longer be true, however fresh it is.
    """
    if not doubt and is_stale(document, now):
        doubt = f"last heard of {age(document['heartbeat']['time'], now)} ago: nobody knows how it is now"
    parts = (
        _headline(document, doubt, paint),
        _aligned(_facts(document, now)),
        _aligned(_conditions(document, now), paint=lambda row, line: paint(line, _tone(row))),
        _aligned(_history(document, now)),
    )
    return "\n\n".join(part for part in parts if part)


def _headline(document: dict[str, Any], doubt: str, paint: Paint) -> str:
    name = f"{printable(document['app'] or 'nothing yet')} on {printable(document['host'])}"
    health, sync = printable(document["health"]), printable(document["sync"])
    line = f"{paint(name, 'bold')}  {paint(health, _HEALTH.get(health, 'yellow'))}, {sync}"
    return f"{line}\n{paint(doubt, 'red')}" if doubt else line


def _facts(document: dict[str, Any], now: datetime) -> Iterator[tuple[str, ...]]:
    service, environment, source = document["service"], document["environment"], document["source"]
    if service:
        mode = f", mode {document['mode']}" if document["mode"] else ""
        yield "running", f"{_revision(document['activeRevision'])}{mode}, for {age(service['since'], now)}"
        if url := service.get("url"):  # older agents said nothing of it
            yield "url", url
        yield "service", f"port {service['port']}, {_memory(service['memoryBytes'])}{service['restarts']} restarts"
    else:
        yield "running", "nothing"
    if rollout := document.get("rollout"):  # older agents said nothing of it
        yield "rollout", rollout_words(rollout, age(rollout["since"], now))
    yield "applied", _revision(document["lastAppliedRevision"])
    fetched = f", fetched {age(source['lastFetchTime'], now)} ago" if source["lastFetchTime"] else ""
    yield "newest", f"{_revision(source['revision'])}{fetched} from {source['url']}"
    for probe in document["probes"]:
        answer = probe["code"] or "no answer"
        yield str(probe["name"]), f"{answer} in {probe['latency']} from {probe['url']}"
    if environment:
        yield "python", f"{environment['python']}, {environment['packages']} packages"
    if document["ssh"]:
        yield "ssh", ssh_words(document["ssh"])
    if machine := document.get("machine"):  # older agents said nothing of it
        yield "vm", machine_words(machine)


def _conditions(document: dict[str, Any], now: datetime) -> Iterator[tuple[str, ...]]:
    yield "CONDITION", "STATUS", "REASON", "FOR", "MESSAGE"
    for each in document["conditions"]:
        words = (each[key] for key in ("type", "status", "reason"))
        yield (*words, age(each["lastTransitionTime"], now), each["message"])


def _tone(row: Sequence[str]) -> str:
    if row[0] == "CONDITION":
        return "dim"
    kind = (row[0], row[1])
    return "green" if kind in _GOOD else "red" if kind in _BAD else "yellow"


def _history(document: dict[str, Any], now: datetime) -> Iterator[tuple[str, ...]]:
    if document["history"]:
        yield "REVISION", "RESULT", "TOOK", "SEEN", "HOW", "NOBODY ANSWERED"
    for each in document["history"][:_SHOWN_HISTORY]:
        seen = f"{age(each['firstReconciled'], now)} ago"
        yield (
            _revision(each["revision"]),
            each["status"],
            each["duration"] or "-",
            seen,
            each.get("strategy") or "-",
            outage_words(each),
        )


def _aligned(
    rows: Iterable[Sequence[str]], *, paint: Callable[[Sequence[str], str], str] = lambda _row, line: line
) -> str:
    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(paint(row, line) for row, line in zip(table, lines, strict=True))


def _revision(revision: str | None) -> str:
    return short(Revision(revision)) if revision else "none"


def _memory(size: int | None) -> str:
    return f"{size / 1024**2:.0f} MiB, " if size else ""


def age(since: str, now: datetime) -> str:
    """In its largest unit: 12s, 3m, 5h, 2d."""
    seconds = max(now - read_instant(since), timedelta(0)) // timedelta(seconds=1)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def printable(text: object) -> str:
    """On one line, without what could rewrite the reader's screen: the text may come from anybody."""
    return "".join(character if character.isprintable() else " " for character in str(text))
