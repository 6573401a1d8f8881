"""For everybody: keyboard, phone, dark and light, names for those who hear the page."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.app.running import REVISION, App
from tests.browser.conftest import TOKEN, Start, Visiting
from tests.browser.visit import HAPPY, OKAY, WORST, Visit

pytestmark = pytest.mark.app

READABLE = 4.5  # WCAG 2 AA, of texts
FINGER = 40  # CSS pixels
NAMED = {"button", "link", "textbox", "tab", "radio", "radiogroup", "img", "image", "table", "tabpanel"}


STATES = ("empty", "answer", "trouble", "compared", "thought")


def at(tab: Visit, state: str) -> Visit:
    """From one of STATES to the next."""
    if state == "answer":
        tab.analyze(HAPPY, WORST, OKAY)
    elif state == "trouble":
        tab.text.fill("")
        tab.button("Analyze mood").click()
        tab.result.get_by_role("alert").wait_for()
    elif state == "compared":
        tab.text.fill(HAPPY)
        tab.button("Compare api and local").click()
        tab.result.locator(".opinions").wait_for()
    elif state == "thought":
        tab.page.get_by_role("tab", name="Positive thought").click()
        tab.button("Generate a positive thought").click()
        tab.page.locator("#thought-result blockquote").wait_for()
    return tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable_in_light_and_dark(visiting: Visiting, api_app: App, scheme: str) -> None:
    tab = visiting(api_app.url, color_scheme=scheme, reduced_motion="reduce")
    ground = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(250, 246, 238)", "dark": "rgb(23, 24, 26)"}[scheme]
    for state in STATES:
        assert at(tab, state).check("texts") > 20, state
        assert tab.check("faint", READABLE) == [], state


def test_dark_can_be_asked_for(visiting: Visiting, local_app: App) -> None:
    tab = visiting(f"{local_app.url}/?__theme=dark", color_scheme="light", reduced_motion="reduce")
    assert tab.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 26)"
    assert tab.check("faint", READABLE) == []


def test_on_a_phone_nothing_is_wider_than_the_screen_and_every_target_fits_a_finger(
    visiting: Visiting, api_app: App
) -> None:
    tab = visiting(api_app.url, phone=True)
    for state in STATES:
        assert (at(tab, state).check("wide"), tab.check("small", FINGER)) == (0, []), state
    tab.page.set_viewport_size({"width": 320, "height": 640})
    assert tab.check("wide") == 0


def test_with_the_keyboard_alone_a_text_is_analyzed_and_answered_with_a_thought(
    visiting: Visiting, local_app: App
) -> None:
    page = visiting(local_app.url).page
    focus_on(page, "How was your day?")
    page.keyboard.type(HAPPY)
    page.keyboard.press("Control+Enter")
    page.locator(".mark").wait_for()
    focus_on(page, "A positive thought for this mood")
    page.keyboard.press("Enter")
    page.locator("#thought-result blockquote").wait_for()
    focus_on(page, "Copy")
    focus_on(page, "Analyze mood", backwards=True)
    page.keyboard.press("Space")
    expect(page.get_by_role("tab", name="Analyze mood")).to_have_attribute("aria-selected", "true")


def focus_on(page: Page, name: str, *, backwards: bool = False) -> None:
    """Presses Tab until there; every stop on the way can be seen."""
    for _ in range(40):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        here = page.evaluate(
            "(() => { const here = document.activeElement, label = here.labels?.[0] ?? here;"
            " return [label.textContent.trim(), getComputedStyle(here).outlineStyle, here.type] })()"
        )
        assert here[1] == "solid" or here[2] == "radio", here
        if here[0].startswith(name):
            return
    pytest.fail(f"Tab does not lead to {name}")


def test_everything_that_is_pressed_or_read_has_a_name(visiting: Visiting, api_app: App) -> None:
    tab = visiting(api_app.url)
    for state in STATES:
        at(tab, state)
        tree = tab.page.context.new_cdp_session(tab.page).send("Accessibility.getFullAXTree")["nodes"]
        seen = [node for node in tree if not node["ignored"] and node["role"]["value"] in NAMED]
        assert len(seen) > 8
        assert [node["role"]["value"] for node in seen if not node["name"]["value"].strip()] == [], state
    assert tab.page.get_by_role("heading", level=1).inner_text() == "Mood"
    assert tab.page.title() == "Mood"
    assert tab.page.locator("html").get_attribute("lang") == "en"


def test_the_header_says_what_answers_with_links_and_in_the_reader_s_own_time(
    visiting: Visiting, local_app: App
) -> None:
    page = visiting(local_app.url, timezone_id="Asia/Tokyo").page
    chips = page.locator(".chips")
    said = [" ".join(chip.split()) for chip in chips.get_by_role("listitem").all_inner_texts()]
    assert said[:5] == [
        "mode local",
        "model tiny-mood (demo)",
        "backend onnx",
        f"revision {REVISION[:8]}",
        "status vm-1",
    ]
    links = {link.inner_text().split()[0]: link.get_attribute("href") for link in chips.get_by_role("link").all()}
    assert links == {
        "revision": f"https://github.com/me/mood/commit/{REVISION}",
        "status": "https://github.com/me/mood/tree/status/vm-1",
    }
    since = chips.locator("time")
    at_utc = datetime.fromisoformat(since.get_attribute("datetime") or "")
    expect(since).to_have_text(f"{at_utc.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M}")


def test_the_demo_s_model_is_called_one_with_its_accuracy_wherever_it_may_answer(
    visiting: Visiting, local_app: App, api_app: App, start: Start
) -> None:
    words = "A demo model, trained on a few hundred sentences: right on 109 of 120"
    expect(visiting(local_app.url).page.locator("#header")).to_contain_text(words)
    expect(visiting(api_app.url).page.locator("#header")).to_contain_text("The local tiny-mood (demo) is a demo model")
    another = start(MODE="api", API_URL=api_app.get("/version").json()["apiURL"], HF_TOKEN=TOKEN, MODEL="/not/ours")
    expect(visiting(another.ready().url).page.locator("#header")).not_to_contain_text("demo model")


def test_what_changes_in_place_is_told_in_the_reader_s_time_and_read_out(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url, timezone_id="Asia/Tokyo").analyze(HAPPY)
    since, announcer = tab.page.locator(".chips time"), tab.page.locator("#announcer")
    since.evaluate("time => { time.setAttribute('datetime', '2026-01-01T03:00:00+00:00'); }")
    expect(since).to_have_text(re.compile("12:00"))
    since.evaluate("time => { time.firstChild.data = '03:00 UTC'; }")
    expect(since).to_have_text(re.compile("12:00"))
    tab.result.locator(".answer").evaluate("answer => { answer.dataset.announce = 'Fear, in place'; }")
    expect(announcer).to_have_text("Fear, in place")
    announcer.evaluate("region => { region.textContent = ''; }")
    tab.result.locator(".answer").evaluate("answer => { answer.dataset.announce = 'Fear, in place'; }")
    tab.page.wait_for_timeout(200)
    expect(announcer).to_have_text("")
    tab.button("Analyze mood").click()
    expect(announcer).to_have_text(re.compile("^Joy, "))
    announcer.evaluate("region => { region.textContent = ''; }")
    tab.button("Analyze mood").click()  # the same answer once more
    expect(announcer).to_have_text(re.compile("^Joy, "))


def test_a_text_runs_the_way_its_letters_run(visiting: Visiting, local_app: App) -> None:
    tab, hebrew = visiting(local_app.url), "אני כל כך שמח היום!"

    def runs(css: str) -> str:
        return tab.page.locator(css).first.evaluate("found => getComputedStyle(found).direction")

    for text, way in ((hebrew, "rtl"), (HAPPY, "ltr")):
        tab.analyze(text)
        assert (runs("#text textarea"), runs(".session tbody tr td:nth-child(2)")) == (way, way)
    assert runs(".session") == "ltr"
    assert f"\u2068{hebrew}\u2069" in (tab.page.locator(".mark title").first.text_content() or "")
