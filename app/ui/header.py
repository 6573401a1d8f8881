"""The header: what answers, from which commit, since when, and what keeps it from answering."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path

from ..config import TINY_MODEL, name_of
from ..engine import LOADING, Engine
from ..faces import face
from ..forges import branch_page, commit_page
from ..moods import Failure
from .answers import trouble


def header_html(engine: Engine) -> str:
    chips = "".join(f"<li>{chip}</li>" for chip in _chips(engine))
    return (
        f"<header><div class='brand mood-joy'>{face('joy')}<div><h1>Mood</h1>"
        "<p>What does your text feel like?</p></div></div>"
        f"<ul class='chips' aria-label='What answers here'>{chips}</ul>{_demo(engine)}{_state(engine)}</header>"
    )


def _chips(engine: Engine) -> Iterator[str]:
    config, state = engine.config, engine.state
    yield _chip("mode", config.mode)
    yield _chip("model", config.model_name)
    if config.mode == "api" and config.api_url:
        yield _chip("at", config.api_url)
    if config.mode == "local" and not isinstance(state, Failure):
        yield _chip("backend", state.name)
    if config.revision:
        yield _chip("revision", config.revision[:8], commit_page(config.repository_url, config.revision))
    if config.status_branch:
        branch = config.status_branch
        yield _chip("status", branch.removeprefix("status/"), branch_page(config.repository_url, branch))
    yield f"<span class='chip'><b>since</b> {moment(engine.since)}</span>"


def _chip(what: str, value: str, page: str | None = None) -> str:
    said = f"<b>{what}</b> {escape(value)}"
    if page is None:
        return f"<span class='chip'>{said}</span>"
    return f"<a class='chip' href='{escape(page)}' target='_blank' rel='noopener noreferrer'>{said}</a>"


def moment(instant: datetime) -> str:
    """In UTC; the page's script tells it in the reader's own time zone."""
    return f"<time data-local datetime='{instant.isoformat(timespec='seconds')}'>{instant:%H:%M} UTC</time>"


def _demo(engine: Engine) -> str:
    """Where it may answer: by itself, in the service's stead, or compared with it."""
    if "local" not in engine.modes or engine.config.local_model != TINY_MODEL:
        return ""
    which = "A" if engine.config.mode == "local" else f"The local {name_of(TINY_MODEL)} is a"
    held_out = json.loads((Path(TINY_MODEL) / "manifest.json").read_text())["heldOut"]
    right, of = held_out["right"], held_out["sentences"]
    return (
        f"<p class='demo'>{which} demo model, trained on a few hundred sentences: right on "
        f"{right} of {of} that it had not seen ({right / of:.0%}). Expect less of it on yours.</p>"
    )


def _state(engine: Engine) -> str:
    if not isinstance(engine.state, Failure):
        return ""
    if engine.state is LOADING:
        return f"<p class='loading' role='status'>The model is loading: {escape(engine.progress)}.</p>"
    return trouble(engine.state)
