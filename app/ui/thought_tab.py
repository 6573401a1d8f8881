"""The second tab: a positive thought for a feeling."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..engine import Engine
from ..moods import Failure
from ..thoughts import THOUGHTS
from .answers import NO_THOUGHT_YET, thought_html, trouble
from .history import History
from .session import SessionPane
from .wiring import ASKS, DIRECT, HISTORY, answered, unanswered
from .words import ANY_FEELING, name

AS_FOUND = "found"
CHOICES = [
    ("Anything at all", ANY_FEELING),
    ("The mood just found", AS_FOUND),
    *((name(mood), mood) for mood in THOUGHTS),
]


class ThoughtTab:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with gr.Tab("Positive thought", id="thought", elem_id="thought-tab"):
            self._choice = gr.Radio(CHOICES, value=ANY_FEELING, label="For somebody who feels", elem_id="feeling")
            self._go = gr.Button(
                "Generate a positive thought", variant="primary", elem_id="generate", elem_classes=ASKS
            )
            self._result = gr.HTML(NO_THOUGHT_YET, elem_id="thought-result")

    def connect(self, session: SessionPane) -> None:
        answered(self._on(self._go.click, session), session.kept, self._result)

    def open_from(self, button: gr.Button, tabs: gr.Tabs, session: SessionPane) -> None:
        """The button leads here, and a thought for the mood just found is on its way."""
        opened = button.click(
            lambda: (gr.Tabs(selected="thought"), AS_FOUND),
            outputs=[tabs, self._choice],
            **DIRECT,
            show_progress="hidden",
        )
        unanswered(opened, self._result)
        answered(self._on(opened.then, session), session.kept, self._result)

    def _on(self, event: Any, session: SessionPane) -> Any:
        return event(
            self._show, [self._choice, session.kept], self._result, **DIRECT, show_progress_on=self._result, js=HISTORY
        )

    async def _show(self, choice: str, kept: Any) -> str:
        feeling = {ANY_FEELING: None, AS_FOUND: History.read(kept).last_mood}.get(choice, choice)
        try:
            return thought_html(await self._engine.thought(feeling), feeling)
        except Failure as failure:
            return trouble(failure)
