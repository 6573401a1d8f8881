"""How the pages look: Gradio's Soft theme with the system's own fonts, so that a page asks no third party for anything."""

from __future__ import annotations

import gradio as gr

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"]

CSS = """
.gradio-container { max-width: 760px !important; margin: 0 auto !important; }
header h1 { margin: 0 0 0.4rem; }
.chip { display: inline-block; margin: 0 0.4rem 0.4rem 0; padding: 0.15rem 0.7rem; border-radius: 1rem;
        font-size: 0.85rem; background: var(--background-fill-secondary); border: 1px solid var(--border-color-primary); }
.trouble { padding: 0.7rem 1rem; border-radius: 0.5rem; border: 1px solid var(--error-border-color);
           background: var(--error-background-fill); color: var(--error-text-color); }
"""


def theme() -> gr.themes.Soft:
    return gr.themes.Soft(font=FONTS, font_mono=MONO)
