"""The page: a header that says what answers, two tabs, and beside them what this browser tab has asked so far.

Its buttons skip Gradio's queue: each press is one request with one answer, so that none is torn in two when a new
release takes over; and the session is sent along by the browser, so that it does not end with the process.
"""

from __future__ import annotations

import gradio as gr

from ..engine import Engine
from ..moods import Failure
from .header import header_html
from .mood_tab import MoodTab
from .named import named_endpoints
from .session import SessionPane
from .thought_tab import ThoughtTab

AGAIN = 2  # seconds between two looks at what is not ready yet


def page(engine: Engine) -> gr.Blocks:
    with gr.Blocks(title="Mood", analytics_enabled=False) as blocks:
        header = gr.HTML(header_html(engine), elem_id="header")
        with gr.Row(elem_id="panes"):
            with gr.Column(scale=3, min_width=300), gr.Tabs(elem_id="tabs") as tabs:
                mood = MoodTab(engine)
                thought = ThoughtTab(engine)
            with gr.Column(scale=2, min_width=300):
                session = SessionPane()
        mood.connect(blocks, session, header)
        thought.connect(session)
        thought.open_from(mood.onward, tabs, session)
        session.connect(blocks, mood.emptied, mood.result)
        named_endpoints(engine)
        _keep_current(blocks, header, engine)
    return blocks


def _keep_current(blocks: gr.Blocks, header: gr.HTML, engine: Engine) -> None:
    """The header looks again by itself until there is something that answers, and no longer."""
    timer = gr.Timer(AGAIN, active=False)

    def look() -> tuple[str, gr.Timer]:
        return header_html(engine), gr.Timer(active=isinstance(engine.state, Failure))

    gr.on(
        [blocks.load, timer.tick],
        look,
        outputs=[header, timer],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
