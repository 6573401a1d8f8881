"""The pages as an app for the server, with our theme, style and script in them: they ask nobody else for anything."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from ..engine import Engine
from .page import page
from .theme import NIGHT, theme

HERE = Path(__file__).parent
ABOUT = '<meta name="description" content="What does your text feel like? And a positive thought for it.">'
SCRIPT = "".join((HERE / name).read_text() for name in ("asking.js", "page.js"))
GROUND = f"<style>body.dark {{ background: {NIGHT} }}</style>"  # Gradio leaves it light where dark is asked for with ?__theme


# Gradio remembers the last values of every session, also of one that was a single call. Nothing here needs that: the
# browser keeps what was asked.
SESSIONS = 16
WAITING = 256  # calls in Gradio's queue, each with its body


def site(engine: Engine) -> FastAPI:
    outside = FastAPI(openapi_url=None)
    blocks = page(engine)
    blocks.state_session_capacity = SESSIONS
    blocks.queue(max_size=WAITING)
    return gr.mount_gradio_app(
        outside,
        blocks,
        path="/",
        theme=theme(),
        css=(HERE / "style.css").read_text(),
        head=f"{ABOUT}{GROUND}<script>{SCRIPT}</script>",
        favicon_path=str(HERE / "icon.svg"),
        footer_links=["api"],
        run_history=False,
        show_error=False,
        max_file_size=1,
        ssr_mode=False,
        mcp_server=False,
    )
