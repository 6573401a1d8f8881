"""How the page's buttons reach the server, and what is said when it fails them.

When it cannot be reached at all, Gradio says so itself, waits for it and loads the page anew: what was written and found
is kept in the browser (page.js) and is there again.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

DIRECT: dict[str, Any] = {"queue": False, "api_visibility": "private"}

NO_ANSWER = (
    "<div class='trouble' role='alert'><p><strong>The app gave no answer.</strong></p>"
    "<p>It may be restarting. What you wrote is still here: try again in a moment.</p></div>"
)


def say_when_failed(event: Any, where: gr.HTML) -> None:
    """Said by the browser itself."""
    event.failure(None, None, where, js=f"() => {json.dumps(NO_ANSWER)}", api_visibility="private")
