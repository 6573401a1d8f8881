"""What a visitor and gradio_client see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.app.running import App
from tests.app.venvs import ROOT
from tests.process import run

pytestmark = pytest.mark.app

USE_THE_CLIENT = """
import sys, gradio_client
client = gradio_client.Client(sys.argv[1], verbose=False)
label, note = client.predict("I am terrified of the storm.", api_name="/analyze")
print(label["label"], "|", note)
"""


def test_the_public_endpoints_have_the_names_we_promise(onnx_app: App) -> None:
    assert set(onnx_app.get("/gradio_api/info").json()["named_endpoints"]) == {"/analyze", "/thought"}


@pytest.mark.parametrize(
    ("example", "mood"),
    [("I am so happy today!", "joy"), ("This is the worst day ever.", "sadness"), ("I feel okay, I guess.", "neutral")],
)
def test_each_example_shows_its_mood_with_every_confidence(onnx_app: App, example: str, mood: str) -> None:
    label, note = onnx_app.press("analyze", example)
    assert label["label"] == mood
    assert len(label["confidences"]) == 6
    assert re.fullmatch(r"Processed locally in \d+\.\d\d s\.", note)


def test_an_empty_text_is_asked_for(onnx_app: App) -> None:
    label, note = onnx_app.press("analyze", "  ")
    assert not label
    assert note == "Please enter some text to analyze."


def test_half_a_character_is_no_text(onnx_app: App) -> None:
    assert onnx_app.press("analyze", "sad \ud83d") == [None, "The text ends within a character; please write it anew."]


def test_gradio_s_own_client_gets_an_answer(onnx_app: App, onnx_python: Path) -> None:
    said = run(onnx_python, "-c", USE_THE_CLIENT, onnx_app.url, cwd=ROOT)
    assert said.startswith("fear | Processed locally")


def test_a_page_asks_no_third_party_for_styles_or_measurements(onnx_app: App) -> None:
    page = onnx_app.get("/").text
    config = onnx_app.get("/config").json()
    assert "fonts.googleapis" not in page
    assert config["analytics_enabled"] is False
    assert config["stylesheets"] == []


def test_importing_gradio_rewrites_no_type_stubs(onnx_python: Path) -> None:
    said = run(
        *(onnx_python, "-c"),
        "from app import fast_gradio; fast_gradio.quick_import().__enter__(); import gradio.blocks_events as users;"
        "print(users.create_or_modify_pyi.__module__)",
        cwd=ROOT,
    )
    assert said.strip() == "app.fast_gradio"
