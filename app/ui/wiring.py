"""How the page's buttons reach the server, and what is said when it fails them.

When it cannot be reached at all, Gradio says so itself, waits for it and loads the page anew: what was written and found
is kept in the browser (asking.js) and is there again. One question is asked at a time: a button of the class ASKS waits
for the answer to what was pressed before.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

DIRECT: dict[str, Any] = {"queue": False, "api_visibility": "private"}

ASKS = "asks"  # asking.js
HISTORY = "asked => [asked, mood.kept()]"  # the browser's own, for a function that takes it after what is asked

NO_ANSWER = (
    "<div class='trouble' role='alert'><p><strong>The app gave no answer.</strong></p>"
    "<p>It may be restarting. What you wrote is still here: try again in a moment.</p></div>"
)


def answered(event: Any, kept: gr.JSON, where: gr.HTML) -> None:
    """The last of what a press leads to: the browser keeps the history that came with the answer, and may ask again."""
    event.then(None, kept, None, js="kept => mood.answered(kept)", api_visibility="private")
    unanswered(event, where)


def unanswered(event: Any, where: gr.HTML) -> None:
    """Said by the browser itself, which may ask again."""
    event.failure(None, None, where, js=f"() => (mood.answered(), {json.dumps(NO_ANSWER)})", api_visibility="private")
