"""The first tab, in both modes: a text, its mood, and every confidence."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from app.config import API_MODEL
from tests.app.running import App
from tests.browser.conftest import Visiting
from tests.browser.visit import HAPPY, OKAY, WORST

pytestmark = pytest.mark.app

WHERE = {"local": "locally by tiny-mood (demo) with onnx", "api": f"by the API with {API_MODEL}"}


def test_one_click_on_an_example_fills_it_in_and_analyzes_it(visiting: Visiting, app: App) -> None:
    tab = visiting(app.url)
    for example, mood in ((HAPPY, "Joy"), (WORST, "Sadness"), (OKAY, "Neutral")):
        tab.button(example).click()
        expect(tab.result.get_by_role("heading")).to_have_text(mood)
        expect(tab.text).to_have_value(example)


def test_a_text_gets_its_mood_with_every_confidence_the_time_and_the_place(visiting: Visiting, app: App) -> None:
    tab = visiting(app.url).analyze("I am terrified of the storm.")
    expect(tab.result.get_by_role("heading")).to_have_text("Fear")
    said = [float(text.split()[0]) for text in tab.result.locator(".bars li > span:last-child").all_inner_texts()]
    widths = [float(bar.evaluate("bar => parseFloat(bar.style.width)")) for bar in tab.result.locator(".bar i").all()]
    assert len(said) == 6
    assert said == widths == sorted(said, reverse=True)
    assert sum(said) == pytest.approx(100, abs=0.6)
    mode = app.get("/version").json()["mode"]
    assert re.search(rf"Processed {re.escape(WHERE[mode])} in \d+\.\d+ m?s\.", tab.result.inner_text())


def test_markup_in_a_text_is_shown_and_not_obeyed(visiting: Visiting, local_app: App) -> None:
    evil = "<img src=x onerror=alert(1)>\"'&"
    tab = visiting(local_app.url).analyze(evil)
    expect(tab.rows.first).to_contain_text(evil)
    assert tab.page.locator("img[src=x]").count() == 0


def test_an_answer_is_read_out_to_those_who_cannot_see_it(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url).analyze(HAPPY)
    expect(tab.page.locator("#announcer[aria-live=polite]")).to_have_text(re.compile(r"Joy, \d+\.\d % sure"))


def test_both_modes_are_compared_side_by_side(visiting: Visiting, api_app: App) -> None:
    tab = visiting(api_app.url, reduced_motion="reduce")
    tab.text.fill("I am terrified of the storm.")
    tab.button("Compare api and local").click()
    expect(tab.result.get_by_text("They agree: Fear.")).to_be_visible()
    api, local = (tab.result.locator(f"article[data-mode={mode}]") for mode in ("api", "local"))
    expect(api).to_contain_text("Processed by the API")
    expect(local).to_contain_text("Processed locally by onnx")
    left, right = api.bounding_box(), local.bounding_box()
    assert left
    assert right
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"]


def test_with_one_mode_there_is_nothing_to_compare(visiting: Visiting, local_app: App) -> None:
    assert visiting(local_app.url).button("Compare api and local").count() == 0
