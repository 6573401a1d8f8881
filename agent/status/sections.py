"""The sections of the page that are tables of what the document lists. Empty where it lists nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..names import Revision, sha, short
from .markdown import code, link, plain, table
from .standing import machine_words, outage_words, ssh_words, strategy_words
from .urls import commit_page

_SHOWN_HISTORY = 20
_SHOWN_EVENTS = 20


def revision_link(document: dict[str, Any], revision: str | None) -> str:
    if not revision:
        return ""
    shown = Revision(revision)
    return link(code(short(shown)), commit_page(document["source"]["url"], sha(shown)))


def probes(document: dict[str, Any]) -> str:
    rows = (
        (each["name"], code(each["url"]), str(each["code"] or "no answer"), each["latency"], moment(each["time"]))
        for each in document["probes"]
    )
    return table(("Probe", "URL", "Answer", "Latency", "At"), rows)


def history(document: dict[str, Any]) -> str:
    rows = (
        (
            revision_link(document, each["revision"]),
            each["status"],
            moment(each["firstReconciled"]),
            each["duration"] or "",
            plain(strategy_words(each)),
            outage_words(each),
            str(each["total"]),
        )
        for each in document["history"][:_SHOWN_HISTORY]
    )
    return table(("Revision", "Result", "First seen", "Took", "How", "Nobody answered", "Passes"), rows)


def rejected(document: dict[str, Any]) -> str:
    rows = (
        (revision_link(document, each["revision"]), each["reason"], moment(each["time"]))
        for each in document["rejectedRevisions"]
    )
    return table(("Revision", "Reason", "At"), rows)


def service(document: dict[str, Any]) -> str:
    return table(("", ""), ((name, value) for name, value in _service_rows(document) if value))


def _service_rows(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    unit, environment, ssh = document["service"], document["environment"], document["ssh"]
    if unit:
        yield "URL", link(code(unit["url"]), unit["url"])
        yield "Unit", f"{code(unit['unit'])} {unit['activeState']} since {moment(unit['since'])}"
        yield "Port", str(unit["port"])
        yield "Memory", _mebibytes(unit["memoryBytes"])
        yield "Restarts", str(unit["restarts"])
    if environment:
        lock = f", lock {code(environment['lock'][:19])}" if environment["lock"] else ""
        yield "Environment", f"Python {plain(environment['python'])}, {environment['packages']} packages{lock}"
    if ssh:
        yield "SSH", plain(ssh_words(ssh))
    if document["machine"]:
        yield "VM", plain(machine_words(document["machine"]))
    counters = document["counters"]
    yield "So far", f"{counters['rollbacks']} rollbacks, {counters['selfHeals']} self-heals"


def _mebibytes(size: int | None) -> str:
    return f"{size / 1024**2:.0f} MiB" if size else ""


def events(document: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    newest = list(reversed(lines))[:_SHOWN_EVENTS]
    rows = (
        (
            moment(each["time"]),
            "🔴" if each["severity"] == "error" else "",
            each["reason"],
            plain(each["message"]),
            revision_link(document, each["revision"]),
        )
        for each in newest
    )
    return table(("At", "", "Reason", "What", "Newest in git"), rows)


def moment(text: str) -> str:
    """`2026-11-23 08:48:17`, in UTC like everything here."""
    return text.replace("T", "\u00a0").removesuffix("Z")
