"""Gradio's base theme on warm paper, in the system's own fonts, so that a page asks no third party for anything."""

from __future__ import annotations

import gradio as gr

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"]

INK, PAPER = "#2a2622", "#faf6ee"
NIGHT, CHALK = "#17181a", "#f1ece3"


def theme() -> gr.themes.Base:
    both = {
        "body_background_fill": (PAPER, NIGHT),
        "body_text_color": (INK, CHALK),
        "body_text_color_subdued": ("#655d54", "#b5ada1"),
        "background_fill_primary": ("#ffffff", "#202225"),
        "background_fill_secondary": ("#f3ecdf", "#292b2f"),
        "border_color_primary": ("#e3d9c8", "#3a3d42"),
        "border_color_accent": (INK, CHALK),
        "color_accent_soft": ("#f3ecdf", "#292b2f"),
        "block_background_fill": ("transparent", "transparent"),
        "block_label_text_color": (INK, CHALK),
        "block_title_text_color": (INK, CHALK),
        "block_info_text_color": ("#655d54", "#b5ada1"),
        "input_background_fill": ("#ffffff", "#202225"),
        "input_border_color": ("#8d8376", "#7a7d83"),
        "input_border_color_focus": (INK, CHALK),
        "input_placeholder_color": ("#6f675d", "#a39c91"),
        "button_primary_background_fill": (INK, CHALK),
        "button_primary_background_fill_hover": ("#453f38", "#ffffff"),
        "button_primary_text_color": ("#ffffff", NIGHT),
        "button_secondary_background_fill": ("#ffffff", "#292b2f"),
        "button_secondary_background_fill_hover": ("#f3ecdf", "#34373c"),
        "button_secondary_text_color": (INK, CHALK),
        "button_secondary_border_color": ("#cfc4b2", "#4b4f55"),
        "link_text_color": ("#7a3d12", "#f2b98a"),
    }
    values = {name: light for name, (light, _) in both.items()} | {
        f"{name}_dark": dark for name, (_, dark) in both.items()
    }
    return gr.themes.Base(primary_hue="stone", neutral_hue="stone", radius_size="lg", font=FONTS, font_mono=MONO).set(
        block_border_width="0px", block_shadow="none", block_padding="0px", button_border_width="1px", **values
    )
