"""Whoever comes while the app loads reads so, and need do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.app.upstream import Upstream
from tests.app.venvs import ROOT
from tests.browser.conftest import TOKEN, Start, Visiting
from tests.browser.visit import HAPPY, Visit
from tests.ports import free_port
from tests.process import Background
from tests.waiting import wait_for

pytestmark = pytest.mark.app

DOING = "reading <the> model"


@pytest.fixture(scope="module")
def loading(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, log = free_port(), tmp_path_factory.mktemp("loading") / "log"
    script = ROOT / "tests/browser/still_loading.py"
    server = Background("/usr/bin/env", "-C", ROOT, f"PYTHONPATH={ROOT}", python, script, str(port), DOING, log=log)
    wait_for(lambda: "running on" in log.read_text(), "the loading pages")
    yield f"http://127.0.0.1:{port}/"
    server.stop()


def test_a_browser_is_shown_at_once_what_is_being_done(loading: str) -> None:
    answer = requests.get(loading, headers={"accept": "text/html,*/*"}, timeout=10)
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["cache-control"]) == (
        503,
        "2",
        "no-store",
    )
    assert "The model is loading: reading &lt;the&gt; model." in answer.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_loading_page_is_readable_on_a_phone_and_looks_again_without_a_script(
    visiting: Visiting, loading: str, scheme: str
) -> None:
    tab = visiting(phone=True, color_scheme=scheme, reduced_motion="reduce")
    asked = requests_of(tab)
    tab.page.goto(loading)
    assert (tab.check("faint", 4.5), tab.check("wide")) == ([], 0)
    assert tab.check("texts") == 3
    assert tab.page.locator("script").count() == 0
    tab.page.wait_for_event("framenavigated")
    assert asked == [loading, loading]
    tab.page.goto("about:blank")  # a tab that is closed in the midst of looking again may never be


def test_a_visitor_who_comes_too_early_ends_up_on_the_page(visiting: Visiting, start: Start) -> None:
    app = start().answering()
    assert visiting(app.url).analyze(HAPPY).marks.count() == 1


def test_a_page_that_was_open_before_the_model_was_ready_learns_so_and_asks_no_more(
    visiting: Visiting, start: Start
) -> None:
    upstream = Upstream()
    upstream.open.clear()
    app = start(MODE="api", API_URL=upstream.url, HF_TOKEN=TOKEN).answering()
    wait_for(lambda: upstream.asked, "the canary's arrival")
    tab = visiting(app.url)
    state = tab.page.locator("#header .loading")
    expect(state).to_contain_text("The model is loading")
    upstream.open.set()
    expect(state).to_have_count(0)
    asked = requests_of(tab)
    tab.page.wait_for_timeout(4500)  # two looks; that nothing is asked can only be waited for
    assert asked == []
    upstream.close()


def requests_of(tab: Visit) -> list[str]:
    """The addresses it asks for from now on."""
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    return asked
