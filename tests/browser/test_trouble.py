"""What a visitor reads when there is no answer: the failure's own words, in red, and whether trying again may help."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.app.running import App
from tests.browser.conftest import TOKEN, Start, Visiting
from tests.browser.visit import HAPPY

pytestmark = pytest.mark.app


@pytest.fixture(scope="module")
def without_token(start: Start) -> App:
    app = start(MODE="api")
    app.reason("TokenMissing")
    return app


@pytest.fixture(scope="module")
def upstream_down(start: Start, standin: str) -> App:
    app = start(MODE="api", API_MODEL="fault/503", API_URL=standin, HF_TOKEN=TOKEN)
    app.reason("UpstreamDown")
    return app


def red(box: Locator) -> bool:
    colour = box.evaluate("box => getComputedStyle(box).borderColor")
    r, g, b = map(int, re.findall(r"\d+", colour)[:3])
    return r > 150 and r > 1.5 * max(g, b)


def test_an_empty_text_is_asked_for(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url)
    tab.text.fill("  \n ")
    tab.button("Analyze mood").click()
    expect(tab.result.get_by_role("alert")).to_have_text("Please enter some text to analyze.")
    assert tab.rows.count() == 0


@pytest.mark.parametrize(
    ("which", "hint"), [("without_token", "Trying again will not help"), ("upstream_down", "may pass by itself")]
)
def test_why_there_is_no_answer_is_said_in_the_header_and_on_both_tabs(
    visiting: Visiting, request: pytest.FixtureRequest, which: str, hint: str
) -> None:
    app: App = request.getfixturevalue(which)
    message = app.get("/readyz").json()["message"]
    tab = visiting(app.url)
    tab.text.fill(HAPPY)
    tab.button("Analyze mood").click()
    tab.result.get_by_role("alert").wait_for()
    tab.page.get_by_role("tab", name="Positive thought").click()
    tab.button("Generate a positive thought").click()
    tab.page.locator("#thought-result").get_by_role("alert").wait_for()
    for place in ("#header", "#mood-result", "#thought-result"):
        box = tab.page.locator(place).locator("[role=alert]")
        assert message in box.inner_text(timeout=1000) or message in (box.text_content() or ""), place
        assert hint in (box.text_content() or "")
        assert red(box)


def test_an_address_in_a_failure_s_words_is_a_link(visiting: Visiting, without_token: App) -> None:
    link = visiting(without_token.url).page.locator("#header .trouble a")
    expect(link).to_have_attribute("href", "https://huggingface.co/settings/tokens")


def test_a_failure_stays_until_the_next_answer_and_costs_no_history(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url).analyze(HAPPY)
    tab.text.fill("")
    tab.button("Analyze mood").click()
    tab.result.get_by_role("alert").wait_for()
    assert tab.rows.count() == 1
    tab.analyze(HAPPY)
    expect(tab.result.get_by_role("alert")).to_have_count(0)


def test_of_two_opinions_the_one_that_failed_says_why_beside_the_other(
    visiting: Visiting, start: Start, standin: str
) -> None:
    app = start(API_MODEL="fault/503", API_URL=standin, HF_TOKEN=TOKEN).ready()
    tab = visiting(app.url)
    tab.text.fill(HAPPY)
    tab.button("Compare api and local").click()
    expect(tab.result.locator("article[data-mode=local]")).to_contain_text("Joy")
    expect(tab.result.locator("article[data-mode=api] [role=alert]")).to_contain_text("does not answer")


def test_who_stands_in_for_the_service_is_named(visiting: Visiting, start: Start, standin: str) -> None:
    app = start(MODE="api", FALLBACK="local", API_MODEL="fault/503", API_URL=standin, HF_TOKEN=TOKEN).ready()
    tab = visiting(app.url).analyze(HAPPY)
    expect(tab.result.locator("footer")).to_contain_text("Processed locally by tiny-mood (demo) with onnx in")
    expect(tab.result.locator("footer")).to_contain_text("because the service cannot answer")
    expect(tab.page.locator("#header")).to_contain_text("demo model")


def test_an_answer_that_never_comes_is_said_and_the_text_stays(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url)
    tab.text.fill(HAPPY)

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={"reason": "Stopping"})

    tab.page.route("**/run/predict*", refuse)
    tab.button("Analyze mood").click()
    expect(tab.result.get_by_role("alert")).to_contain_text("The app gave no answer.")
    expect(tab.text).to_have_value(HAPPY)
    tab.complaints.clear()
