"""The first tab: a text, and what it feels like."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..config import name_of
from ..engine import Engine
from ..moods import Failure, Mood
from .answers import NOTHING_YET, mood_html, opinions_html, trouble
from .header import header_html
from .history import History
from .session import SessionPane
from .wiring import ASKS, DIRECT, HISTORY, answered

EXAMPLES = ["I am so happy today!", "This is the worst day ever.", "I feel okay, I guess."]
LONGEST_TEXT = 5000  # characters: what a page asks for, not what a model can read


class MoodTab:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with gr.Tab("Analyze mood", id="mood", elem_id="mood-tab"):
            self._text = gr.Textbox(
                label="How was your day?",
                placeholder="Write a sentence or two.",
                info="Ctrl + Enter analyzes.",
                lines=3,
                max_length=LONGEST_TEXT,
                elem_id="text",
            )
            with gr.Row(elem_classes="deeds-row"):
                self._go = gr.Button("Analyze mood", variant="primary", elem_id="analyze", elem_classes=ASKS)
                self._compare = gr.Button(
                    f"Compare {' and '.join(sorted(engine.modes))}",
                    visible=len(engine.modes) > 1,
                    elem_id="compare",
                    elem_classes=ASKS,
                )
            with gr.Row(elem_id="examples"):
                gr.HTML("<p id='examples-label'>Or try one of these:</p>")
                self._examples = [gr.Button(example, size="sm", elem_classes=["example", ASKS]) for example in EXAMPLES]
            self.result = gr.HTML(NOTHING_YET, elem_id="mood-result")
            self.onward = gr.Button(
                "A positive thought for this mood", visible=False, elem_id="onward", elem_classes=ASKS
            )

    @property
    def emptied(self) -> dict[gr.Component, Any]:
        """Its outputs as they are at first."""
        return {self.result: NOTHING_YET, self.onward: gr.update(visible=False)}

    def connect(self, blocks: gr.Blocks, session: SessionPane, header: gr.HTML) -> None:
        blocks.load(None, None, self._text, js="() => mood.draft()", api_visibility="private")
        self._text.change(None, self._text, None, js="text => mood.keepDraft(text)", api_visibility="private")
        inputs = [self._text, session.kept]
        outputs = [self.result, self.onward, *session.outputs, header]
        on_result: dict[str, Any] = {**DIRECT, "show_progress_on": self.result}
        of_mood = (self._show_mood, inputs, outputs)
        asked = [self._go.click(*of_mood, **on_result, js=HISTORY)]
        for example in self._examples:
            filled = example.click(None, example, self._text, js="text => text", api_visibility="private")
            asked.append(filled.then(*of_mood, **on_result, js=HISTORY))
        asked.append(self._compare.click(self._show_opinions, self._text, [self.result, self.onward], **on_result))
        for event in asked:
            answered(event, session.kept, self.result)

    async def _show_mood(self, text: str, kept: Any) -> tuple[Any, ...]:
        try:
            mood = await self._engine.mood(text)
        except Failure as failure:
            return (
                trouble(failure),
                gr.Button(visible=False),
                gr.skip(),
                gr.skip(),
                gr.skip(),
                header_html(self._engine),
            )
        history = History.read(kept).with_(text, mood)
        answer = mood_html(mood, text, self._model_of(mood))
        return answer, gr.Button(visible=True), *SessionPane.showing(history), header_html(self._engine)

    async def _show_opinions(self, text: str) -> tuple[str, gr.Button]:
        try:
            return opinions_html(await self._engine.compare(text), text), gr.Button(visible=False)
        except Failure as failure:
            return trouble(failure), gr.Button(visible=False)

    def _model_of(self, mood: Mood) -> str:
        return name_of(self._engine.config.model_of("api" if mood.source == "api" else "local"))
