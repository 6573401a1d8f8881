"""What this browser tab has asked so far: a chart of the moods, and a table of everything, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import gradio as gr

from ..faces import face
from ..labels import MOODS
from .chart import chart
from .header import moment
from .history import Entry, History
from .wiring import ASKS, DIRECT, answered
from .words import colour, name, percent

FACES = "".join(f"<span class='mood-{mood}'>{face(mood)}</span>" for mood in MOODS)
NOTHING_YET = (
    f"<section class='session' aria-label='This session'><h2>This session</h2><p class='faces'>{FACES}</p>"
    "<p class='hint'>The moods you analyze gather here, in this browser tab only.</p></section>"
)


class SessionPane:
    """`kept` holds the history in the browser; the server remembers none of it."""

    def __init__(self) -> None:
        self.kept = gr.JSON(visible=False)
        self._view = gr.HTML(NOTHING_YET, elem_id="session")
        self._clear = gr.Button("Clear this session", size="sm", visible=False, elem_id="clear", elem_classes=ASKS)
        self.outputs = [self.kept, self._view, self._clear]

    def connect(self, blocks: gr.Blocks, emptied: Mapping[gr.Component, Any], where: gr.HTML) -> None:
        """What goes with the session when it is cleared, with its values then; `where` a failure is told."""
        quiet: dict[str, Any] = {**DIRECT, "show_progress": "hidden"}
        blocks.load(
            lambda kept: self.showing(History.read(kept))[1:],
            self.kept,
            self.outputs[1:],
            js="() => mood.kept()",
            **quiet,
        )
        cleared = self._clear.click(
            lambda: (*self.showing(History()), *emptied.values()), outputs=[*self.outputs, *emptied], **quiet
        )
        answered(cleared, self.kept, where)
        cleared.then(None, None, None, js="() => mood.focusText()", api_visibility="private")

    @staticmethod
    def showing(history: History) -> tuple[dict[str, Any], str, gr.Button]:
        """Values for `outputs`."""
        return history.as_json(), session_html(history), gr.Button(visible=bool(history.entries))


def session_html(history: History) -> str:
    if not history.entries:
        return NOTHING_YET
    rows = "".join(_row(entry) for entry in reversed(history.entries))
    return (
        f"<section class='session' aria-label='This session'><h2>This session</h2>{chart(history)}"
        "<table><caption>Everything so far, newest first</caption><thead><tr><th scope='col'>Mood</th>"
        f"<th scope='col'>Text</th><th scope='col'>Sure</th><th scope='col'>Time</th></tr></thead><tbody>{rows}</tbody></table>"
        "<p class='hint'>Kept in this browser tab only, until you close it.</p></section>"
    )


def _row(entry: Entry) -> str:
    return (
        f"<tr class='{colour(entry.mood)}'><td>{face(entry.mood)}{escape(name(entry.mood))}</td>"
        f"<td dir='auto'>{escape(entry.text)}</td><td>{percent(entry.confidence)}</td><td>{moment(entry.at)}</td></tr>"
    )
