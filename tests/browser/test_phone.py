"""On a phone: every target fits a finger, and an answer is seen without looking for it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.app.running import App
from tests.browser.conftest import Visiting
from tests.browser.visit import HAPPY, OKAY

pytestmark = pytest.mark.app


def test_the_answer_comes_into_view(visiting: Visiting, api_app: App) -> None:
    tab = visiting(api_app.url, phone=True, reduced_motion="reduce")
    tab.button(HAPPY).tap()
    tab.result.locator(".verdict").wait_for()
    assert tab.settled().is_in_view(tab.result.locator(".verdict"))
    tab.page.evaluate("scrollTo(0, 0)")
    tab.button("Compare api and local").tap()
    tab.result.locator(".opinions").wait_for()
    assert tab.settled().is_in_view(tab.result.locator(".agreement"))


def test_why_there_is_none_comes_into_view(visiting: Visiting, api_app: App) -> None:
    tab = visiting(api_app.url, phone=True, reduced_motion="reduce")
    tab.page.set_viewport_size({"width": 390, "height": 480})
    tab.text.fill("")
    tab.page.evaluate("scrollTo(0, 0)")
    tab.button("Analyze mood").tap()
    tab.result.get_by_role("alert").wait_for()
    assert tab.settled().is_in_view(tab.result.get_by_role("alert"))


def test_who_wants_no_motion_sees_the_answer_at_once_and_the_others_glide_there(
    visiting: Visiting, api_app: App
) -> None:
    for motion, behavior in (("reduce", "instant"), ("no-preference", "smooth")):
        tab = visiting(phone=True, reduced_motion=motion)
        tab.page.add_init_script(
            "Element.prototype.scrollIntoView = function (options) { (window.scrolled ??= []).push(options); };"
        )
        tab.open(api_app.url).button(OKAY).tap()
        tab.result.locator(".verdict").wait_for()
        assert tab.page.evaluate("window.scrolled") == [{"block": "nearest", "behavior": behavior}]


def test_keys_are_spoken_of_only_where_there_are_some(visiting: Visiting, api_app: App) -> None:
    hint = "Ctrl + Enter analyzes."
    expect(visiting(api_app.url, phone=True).page.get_by_text(hint)).to_be_hidden()
    expect(visiting(api_app.url).page.get_by_text(hint)).to_be_visible()


def test_the_header_leaves_room_for_the_question(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url, phone=True)
    assert tab.settled().is_in_view(tab.button("Analyze mood"))
    assert tab.page.locator("#header").evaluate("header => header.offsetHeight") <= 844 * 0.3


def test_the_chosen_tab_has_a_mark_that_is_not_cut_off(visiting: Visiting, local_app: App) -> None:
    for phone in (True, False):
        tab = visiting(local_app.url, phone=phone)
        chosen = tab.page.get_by_role("tab", selected=True)
        assert "inset" in chosen.evaluate("chosen => getComputedStyle(chosen).boxShadow")
        assert tab.settled().page.evaluate("checks.cutOff('[role=tab]')") == []
