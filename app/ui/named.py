"""What `gradio_client` finds by name: plain values in, plain values out, whatever the page looks like."""

# No `from __future__ import annotations` here: gradio reads these as they are, not as strings.

from typing import Any

import gradio as gr

from ..engine import Engine
from ..moods import Failure
from .words import ANY_FEELING, took, why_here


def named_endpoints(engine: Engine) -> None:
    async def analyze(text: str) -> tuple[dict[str, Any] | None, str]:
        try:
            mood = await engine.mood(text)
        except Failure as failure:
            return None, failure.message
        scores = [{"label": label, "confidence": score} for label, score in mood.scores.items()]
        where = "by the API" if mood.source == "api" else "locally"
        return {"label": mood.label, "confidences": scores}, f"Processed {where} in {took(mood.took)}{why_here(mood)}."

    async def thought(feeling: str) -> tuple[str, str]:
        try:
            found = await engine.thought(None if feeling == ANY_FEELING else feeling)
        except Failure as failure:
            return "", failure.message
        return found.text, f"From {found.source}, in {took(found.took)}{why_here(found)}."

    gr.api(
        analyze,
        api_name="analyze",
        api_description="The mood of a text: its label and the confidence of every label (0 to 1), and a note. "
        "Without an answer the first is null and the note says why.",
        concurrency_limit=16,
    )
    gr.api(
        thought,
        api_name="thought",
        api_description=f'A positive thought for somebody who feels so ("{ANY_FEELING}": anybody), and a note. '
        "Without an answer the first is empty and the note says why.",
        concurrency_limit=16,
    )
