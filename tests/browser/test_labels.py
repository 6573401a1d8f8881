"""Models with labels of their own: other words, fewer of them, and ones that say nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.app.running import App
from tests.app.upstream import Upstream
from tests.browser.conftest import TOKEN, Start, Visiting
from tests.browser.visit import HAPPY

pytestmark = pytest.mark.app

UNKNOWN = [f"LABEL_{number}" for number in range(6)]
TELLING = 3.0  # WCAG 2 AA, of what is no text


@pytest.fixture(scope="module")
def app(start: Start, service: Upstream) -> App:
    return start(MODE="api", API_URL=service.url, HF_TOKEN=TOKEN).ready()


def heights(rows: Locator) -> list[float]:
    return [box["y"] for row in rows.all() if (box := row.bounding_box())]


def test_two_labels_stand_together_beside_six(visiting: Visiting, app: App, service: Upstream) -> None:
    service.scores = lambda _: {"POSITIVE": 0.93, "NEGATIVE": 0.07}
    tab = visiting(app.url, reduced_motion="reduce")
    tab.text.fill(HAPPY)
    tab.button("Compare api and local").click()
    tab.result.locator(".opinions").wait_for()
    two, six = (heights(tab.settled().result.locator(f"[data-mode={mode}] .bars li")) for mode in ("api", "local"))
    assert (len(two), len(six)) == (2, 6)
    assert two == pytest.approx(six[:2], abs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_labels_that_say_nothing_are_told_apart_by_colour(
    visiting: Visiting, app: App, service: Upstream, scheme: str
) -> None:
    service.scores = lambda text: {label: 0.9 if text.endswith(f"{label} {scheme}") else 0.02 for label in UNKNOWN}
    tab = visiting(app.url, color_scheme=scheme, reduced_motion="reduce")
    tab.analyze(*(f"This is {label} {scheme}" for label in UNKNOWN))
    marks = [mark.evaluate("mark => getComputedStyle(mark).fill") for mark in tab.marks.all()]
    grey = tab.page.evaluate("checks.colourOf('mood-neutral', '--mood')")
    assert len({*marks, grey}) == len(UNKNOWN) + 1
    assert tab.check("faintMarks", TELLING) == []
    assert tab.check("faint", 4.5) == []
    again = tab.result.locator(".card").evaluate("card => getComputedStyle(card).getPropertyValue('--mood')")
    tab.analyze(f"Once more this is {UNKNOWN[-1]} {scheme}")
    assert tab.result.locator(".card").evaluate("card => getComputedStyle(card).getPropertyValue('--mood')") == again


def test_a_long_name_is_shortened_with_an_ellipsis_and_said_whole(
    visiting: Visiting, app: App, service: Upstream
) -> None:
    service.scores = lambda _: {"disappointment": 0.9, "joy": 0.1}
    tab = visiting(app.url).analyze("They did not come.")
    lane = tab.page.locator("[data-lane=disappointment]")
    expect(lane.locator("text")).to_have_text("Disappoin…")
    expect(lane.locator("title")).to_have_text("Disappointment")
    expect(tab.rows.first).to_contain_text("Disappointment")
