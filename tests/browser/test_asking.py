"""One question at a time: no answer overtakes another, whatever is pressed while the service takes its time."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.app.running import App
from tests.app.upstream import Upstream
from tests.browser.conftest import TOKEN, Start, Visiting
from tests.browser.visit import HAPPY, OKAY, WORST, Visit

pytestmark = pytest.mark.app

APART = 300  # milliseconds


@pytest.fixture(scope="module")
def slow_app(start: Start, service: Upstream) -> App:
    return start(MODE="api", API_URL=service.url, HF_TOKEN=TOKEN).ready()


def press(tab: Visit, name: str) -> None:
    """As a finger does, whether or not it is of use."""
    tab.button(name).dispatch_event("click")
    tab.page.wait_for_timeout(APART)


def texts(tab: Visit) -> list[str]:
    return tab.rows.locator("td:nth-child(2)").all_inner_texts()


def test_of_examples_pressed_one_after_another_the_first_is_answered_and_then_the_next_can_be(
    visiting: Visiting, slow_app: App, service: Upstream
) -> None:
    tab = visiting(slow_app.url)
    service.open.clear()
    for example in (HAPPY, WORST, OKAY):
        press(tab, example)
    expect(tab.button(WORST)).to_be_disabled()
    service.open.set()
    expect(tab.result.locator("q")).to_have_text(HAPPY)
    expect(tab.text).to_have_value(HAPPY)
    for example in (WORST, OKAY):
        tab.button(example).click()
        expect(tab.result.locator("q")).to_have_text(example)
    assert texts(tab) == [OKAY, WORST, HAPPY]
    assert tab.page.evaluate("mood.kept().entries.map(entry => entry.text)") == [HAPPY, WORST, OKAY]


def test_an_answer_names_its_text_and_no_comparison_comes_after_a_later_answer(
    visiting: Visiting, slow_app: App, service: Upstream
) -> None:
    tab = visiting(slow_app.url)
    service.open.clear()
    tab.text.fill("The first text.")
    press(tab, "Compare api and local")
    tab.text.fill("The second text.")
    press(tab, "Analyze mood")
    tab.text.press("Control+Enter")
    expect(tab.button("Analyze mood")).to_be_disabled()
    service.open.set()
    expect(tab.result.locator(".opinions q")).to_have_text("The first text.")
    assert tab.rows.count() == 0
    tab.button("Analyze mood").click()
    expect(tab.result.locator(".answer q")).to_have_text("The second text.")
    assert texts(tab) == ["The second text."]


def test_a_session_cannot_be_cleared_under_an_answer_that_brings_it_back(
    visiting: Visiting, slow_app: App, service: Upstream
) -> None:
    tab = visiting(slow_app.url).analyze("One text.")
    service.open.clear()
    tab.text.fill("Another text.")
    press(tab, "Analyze mood")
    press(tab, "Clear this session")
    service.open.set()
    expect(tab.rows).to_have_count(2)
    tab.button("Clear this session").click()
    expect(tab.rows).to_have_count(0)


def test_the_keyboard_s_focus_stays_on_what_was_pressed(visiting: Visiting, slow_app: App, service: Upstream) -> None:
    tab = visiting(slow_app.url)
    service.open.clear()
    tab.text.fill("Pressed with the keyboard.")
    tab.button("Analyze mood").press("Enter")
    expect(tab.button("Analyze mood")).to_be_disabled()
    expect(tab.button("Analyze mood")).to_be_focused()
    service.open.set()
    expect(tab.rows).to_have_count(1)
    expect(tab.button("Analyze mood")).to_be_focused()


def test_after_an_answer_that_never_came_it_can_be_asked_again(visiting: Visiting, slow_app: App) -> None:
    tab = visiting(slow_app.url)

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={"reason": "Stopping"})

    tab.page.route("**/run/predict*", refuse)
    tab.button(HAPPY).click()
    tab.result.get_by_role("alert").wait_for()
    tab.page.unroute("**/run/predict*")
    tab.button("Analyze mood").click()
    expect(tab.rows).to_have_count(1)
    tab.complaints.clear()


def test_a_long_text_is_shortened_in_its_answer_and_whole_in_the_box(visiting: Visiting, slow_app: App) -> None:
    long = "I walked and walked. " * 10
    tab = visiting(slow_app.url).analyze(long)
    quoted = tab.result.locator("q").inner_text()
    assert quoted.endswith("…")
    assert len(quoted) <= 60
    assert long.startswith(quoted[:-1])
    expect(tab.text).to_have_value(long)
