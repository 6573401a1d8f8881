"""The pages: two tabs, and a header that says what answers. Only `analyze` and `thought` are public API names."""

from __future__ import annotations

from html import escape

import gradio as gr
from fastapi import FastAPI

from .engine import Engine
from .moods import Failure
from .style import CSS, theme
from .thoughts import THOUGHTS

EXAMPLES = ["I am so happy today!", "This is the worst day ever.", "I feel okay, I guess."]
ANY_FEELING = "any"


def site(engine: Engine) -> FastAPI:
    outside = FastAPI(openapi_url=None)
    return gr.mount_gradio_app(
        outside,
        page(engine),
        path="/",
        theme=theme(),
        css=CSS,
        footer_links=["api"],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
    )


def page(engine: Engine) -> gr.Blocks:
    with gr.Blocks(title="Mood", analytics_enabled=False) as blocks:
        header = gr.HTML()
        with gr.Tab("Analyze mood"):
            mood_tab(engine)
        with gr.Tab("Positive thought"):
            thought_tab(engine)
        blocks.load(lambda: header_html(engine), outputs=header, api_visibility="private", queue=False)
    return blocks


def mood_tab(engine: Engine) -> None:
    box = gr.Textbox(label="How was your day?", placeholder="Write a sentence or two.", lines=3, max_length=5000)
    button = gr.Button("Analyze mood", variant="primary")
    label = gr.Label(label="Mood", num_top_classes=6)
    note = gr.Markdown(label="Note")
    gr.Examples([[example] for example in EXAMPLES], box, label="Try one of these")

    async def show_mood(text: str) -> tuple[dict[str, float] | None, str]:
        try:
            mood = await engine.mood(text)
        except Failure as failure:
            return None, failure.message
        where = "by the API" if mood.source == "api" else "locally"
        return mood.scores, f"Processed {where} in {mood.took.total_seconds():.2f} s."

    gr.on([button.click, box.submit], show_mood, box, [label, note], api_name="analyze", concurrency_limit=16)


def thought_tab(engine: Engine) -> None:
    choice = gr.Dropdown([ANY_FEELING, *THOUGHTS], value=ANY_FEELING, label="For somebody who feels")
    button = gr.Button("Generate a positive thought", variant="primary")
    thought = gr.Textbox(label="A thought for you", lines=3, interactive=False)
    note = gr.Markdown(label="Note")

    async def show_thought(feeling: str) -> tuple[str, str]:
        try:
            found = await engine.thought(None if feeling == ANY_FEELING else feeling)
        except Failure as failure:
            return "", failure.message
        return found.text, f"From {found.source}, in {found.took.total_seconds():.2f} s."

    button.click(show_thought, choice, [thought, note], api_name="thought", concurrency_limit=16)


def header_html(engine: Engine) -> str:
    config, state = engine.config, engine.state
    chips = [f"mode: {config.mode}", f"model: {config.model_name}"]
    if config.mode == "api" and config.api_url:
        chips.append(f"at {config.api_url}")
    if not isinstance(state, Failure):
        chips.append(f"backend: {state.name}")
    if config.revision:
        chips.append(f"revision {config.revision[:8]}")
    row = "".join(f"<span class='chip'>{escape(chip)}</span>" for chip in chips)
    trouble = f"<p class='trouble' role='alert'>{escape(state.message)}</p>" if isinstance(state, Failure) else ""
    return f"<header><h1>Mood</h1><p>{row}</p>{trouble}</header>"
