"""What a browser tab has asked so far: the table, the chart, and what a restart of the app leaves of them."""

from __future__ import annotations

import re
import signal
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.app.running import App
from tests.browser.conftest import Start, Visiting
from tests.browser.visit import HAPPY, OKAY, WORST, Visit

pytestmark = pytest.mark.app

FIVE = {
    HAPPY: "joy",
    WORST: "sadness",
    "I am terrified of the storm.": "fear",
    OKAY: "neutral",
    "I am so angry about the noise!": "anger",
}
BOXES = """chart => [chart, ...chart.querySelectorAll('.mark')].map(each => {
  const box = each.getBoundingClientRect()
  return [box.left, box.top, box.right, box.bottom]
})"""


def numbers(tab: Visit, selector: str, attribute: str) -> list[float]:
    return [float(found.get_attribute(attribute) or "nan") for found in tab.page.locator(selector).all()]


def test_the_history_has_the_newest_first(visiting: Visiting, app: App) -> None:
    tab = visiting(app.url, timezone_id="Asia/Tokyo").analyze(HAPPY, WORST)
    assert tab.rows.count() == 2
    cells = tab.rows.first.locator("td").all_inner_texts()
    assert cells[:2] == ["Sadness", WORST]
    assert re.fullmatch(r"\d+\.\d %", cells[2])
    at = tab.rows.first.locator("time").get_attribute("datetime")
    assert at
    assert cells[3] == f"{datetime.fromisoformat(at).astimezone(ZoneInfo('Asia/Tokyo')):%H:%M}"
    assert tab.rows.nth(1).locator("td").nth(1).inner_text() == HAPPY


def test_after_five_updates_the_chart_has_five_marks_each_in_the_lane_of_its_mood(
    visiting: Visiting, local_app: App
) -> None:
    tab = visiting(local_app.url)
    for count, text in enumerate(FIVE, start=1):
        tab.analyze(text)
        expect(tab.marks).to_have_count(count)
    moods = [mark.get_attribute("data-mood") for mark in tab.marks.all()]
    assert moods == list(FIVE.values())
    lanes = [lane.get_attribute("data-lane") for lane in tab.page.locator(".lane").all()]
    assert lanes == ["joy", "surprise", "neutral", "fear", "sadness", "anger"]
    heights = dict(zip(lanes, numbers(tab, ".lane line", "y1"), strict=True))
    assert numbers(tab, ".mark", "cy") == [heights[mood] for mood in moods]
    across = numbers(tab, ".mark", "cx")
    steps = [right - left for left, right in pairwise(across)]
    assert steps == pytest.approx([steps[0]] * 4, abs=0.2)
    assert steps[0] > 0


def test_every_mark_is_drawn_inside_the_chart_in_the_colour_of_its_mood(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url).analyze(*FIVE)
    (left, top, right, bottom), *marks = tab.page.locator(".chart").evaluate(
        BOXES
    )  # at one moment: the page may scroll
    assert len(marks) == 5
    for box in marks:
        assert left < box[0] < box[2] < right
        assert top < box[1] < box[3] < bottom
    assert len({mark.evaluate("mark => getComputedStyle(mark).fill") for mark in tab.marks.all()}) == 5


def test_the_chart_says_in_words_what_it_shows(visiting: Visiting, local_app: App) -> None:
    tab = visiting(local_app.url).analyze(HAPPY, WORST)
    chart = tab.page.get_by_role("img", name="Mood over time")
    assert "the oldest first: Joy, Sadness." in (chart.locator("desc").text_content() or "")
    expect(tab.page.get_by_role("table", name="Everything so far, newest first")).to_be_visible()


def test_a_session_can_be_cleared_and_outlives_a_reload_but_not_its_browser_tab(
    visiting: Visiting, local_app: App
) -> None:
    tab = visiting(local_app.url).analyze(HAPPY)
    tab.page.reload()
    expect(tab.marks).to_have_count(1)
    expect(tab.text).to_have_value(HAPPY)
    assert visiting(local_app.url).marks.count() == 0, "another tab has a session of its own"
    tab.button("Clear this session").click()
    expect(tab.marks).to_have_count(0)
    tab.page.reload()
    expect(tab.page.get_by_text("gather here")).to_be_visible()


def test_what_somebody_else_wrote_into_the_browser_s_storage_counts_as_no_history(
    visiting: Visiting, local_app: App
) -> None:
    tab = visiting()
    tab.page.add_init_script('sessionStorage.setItem("mood-history", \'{"labels": 1, "entries": [{"text": 7}]}\')')
    tab.open(local_app.url)
    expect(tab.page.get_by_text("gather here")).to_be_visible()


def test_a_restart_of_the_app_costs_the_visitor_nothing(visiting: Visiting, start: Start) -> None:
    before = start().ready()
    tab = visiting(before.url).analyze(HAPPY)
    before.signal(signal.SIGKILL)
    before.exit_code()
    tab.text.fill("half a sen")
    start(on=before).ready()
    expect(tab.text).to_have_value("half a sen")
    tab.analyze(WORST)
    assert tab.rows.all_inner_texts()[1].startswith("Joy")
    assert all("ERR_" in said for said in tab.complaints)  # of the connection that was cut
    tab.complaints.clear()


def test_after_clearing_a_session_all_is_as_at_first_and_the_keyboard_is_at_the_text(
    visiting: Visiting, local_app: App
) -> None:
    tab = visiting(local_app.url).analyze(HAPPY)
    tab.button("Clear this session").press("Enter")
    expect(tab.text).to_be_focused()
    expect(tab.result).to_contain_text("Write something")
    expect(tab.button("A positive thought for this mood")).to_be_hidden()
    expect(tab.text).to_have_value(HAPPY)
    tab.analyze(HAPPY)
    tab.page.get_by_role("tab", name="Positive thought").click()
    tab.button("Clear this session").press("Enter")
    expect(tab.page.get_by_role("tab", name="Positive thought")).to_be_focused()
