"""The second tab, in both modes; and what is done with an answer: copied and shared."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from app.thoughts import THOUGHTS
from tests.app.running import App
from tests.browser.conftest import Visiting
from tests.browser.visit import HAPPY, Visit

pytestmark = pytest.mark.app


def thought(page: Page) -> str:
    return page.locator("#thought-result blockquote").inner_text()


def test_a_feeling_is_chosen_and_gets_its_thought(visiting: Visiting, app: App) -> None:
    page = visiting(app.url).page
    page.get_by_role("tab", name="Positive thought").click()
    page.get_by_role("radio", name="Fear").check()
    page.get_by_role("button", name="Generate a positive thought").click()
    expect(page.locator("#thought-result .eyebrow")).to_have_text("For somebody who feels fear")
    assert thought(page) in THOUGHTS["fear"]
    source = re.escape(app.get("/version").json()["thoughts"])
    assert re.search(rf"From {source}, in \d+\.\d+ m?s\.", page.locator("#thought-result").inner_text())


def test_the_mood_just_found_gets_its_thought_with_one_click(visiting: Visiting, app: App) -> None:
    tab = visiting(app.url).analyze("I am so angry about the noise!")
    tab.button("A positive thought for this mood").click()
    expect(tab.page.locator("#thought-result .eyebrow")).to_have_text("For somebody who feels anger")
    expect(tab.page.get_by_role("tab", name="Positive thought")).to_have_attribute("aria-selected", "true")
    expect(tab.page.get_by_role("radio", name="The mood just found")).to_be_checked()
    assert thought(tab.page) in THOUGHTS["anger"]


def test_the_keyboard_goes_with_it_to_the_thought(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url).analyze(HAPPY)
    tab.button("A positive thought for this mood").press("Enter")
    expect(tab.page.locator("#thought-result .thought")).to_be_focused()
    before = tab.page.locator("#thought-result .card").get_attribute("data-answer")
    tab.button("Generate a positive thought").press("Enter")
    expect(tab.page.locator("#thought-result .card")).not_to_have_attribute("data-answer", before or "")
    expect(tab.button("Generate a positive thought")).to_be_focused()


def test_a_thought_can_be_for_anybody(visiting: Visiting, local_app: App) -> None:
    page = visiting(local_app.url).page
    page.get_by_role("tab", name="Positive thought").click()
    expect(page.get_by_role("radio", name="Anything at all")).to_be_checked()


def pasted(tab: Visit) -> str:
    tab.text.fill("")
    tab.text.press("Control+v")
    return tab.text.input_value()


def test_an_answer_is_copied(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url).analyze(HAPPY)
    tab.button("Copy").click()
    expect(tab.button("Copied")).to_be_visible()
    assert re.fullmatch(r"My text feels like Joy \(\d+\.\d % sure\)\.", pasted(tab))


def test_without_https_it_is_copied_too_and_sharing_copies_the_link_with_it(visiting: Visiting, local_app: App) -> None:
    url = f"http://mood.test:{local_app.port}/"
    tab = visiting(url).analyze(HAPPY)
    assert tab.page.evaluate("window.isSecureContext || 'share' in navigator") is False
    tab.button("Copy").click()
    expect(tab.button("Copied")).to_be_visible()
    assert pasted(tab).startswith("My text feels like Joy")
    tab.button("Share").click()
    expect(tab.button("Copied to share")).to_be_visible()
    assert pasted(tab).endswith(f"sure). {url}")


def test_where_the_browser_can_share_it_is_asked_to(visiting: Visiting, local_app: App) -> None:
    tab = visiting()
    tab.page.add_init_script("navigator.share = async (what) => { window.shared = what; };")
    tab.open(local_app.url).analyze(HAPPY).button("Share").click()
    expect(tab.button("Shared")).to_be_visible()
    shared = tab.page.evaluate("window.shared")
    assert shared["text"].startswith("My text feels like Joy")
    assert shared["url"] == f"{local_app.url}/"
