"""Every way in which api mode fails: the page says what /api says, with a hint, nothing twice, and no wait of no time."""

from __future__ import annotations

import re
import select
from contextlib import ExitStack
from itertools import count

import pytest
from playwright.sync_api import expect

from app.backends import CALLS
from tests.app.running import App
from tests.app.test_answers import asking
from tests.app.upstream import Upstream
from tests.browser.conftest import TOKEN, Start, Visiting
from tests.browser.visit import Visit
from tests.waiting import wait_for

pytestmark = pytest.mark.app

FAULTS = {
    "400": "TextRefused",
    "401": "TokenRejected",
    "402": "OutOfCredits",
    "403": "TokenForbidden",
    "404": "ModelGone",
    "410": "ModelGone",
    "429": "RateLimited",
    "429-after-5": "RateLimited",
    "503": "UpstreamDown",
    "reset": "UpstreamDown",
    "slow": "UpstreamTimeout",
    "504": "UpstreamTimeout",
    "html": "UnusableAnswer",
}
TOKENS = {"": "TokenMissing", "hf_a b": "TokenMalformed"}

numbers = count()


@pytest.fixture(scope="module")
def faulty_app(start: Start, service: Upstream) -> App:
    return start(MODE="api", API_URL=service.url, HF_TOKEN=TOKEN, API_TIMEOUT="3", API_PATIENCE="0").ready()


@pytest.fixture
def app(faulty_app: App, service: Upstream) -> App:
    """Well: the service is taken up again after what another test did to it."""
    service.heal()
    wait_for(lambda: faulty_app.mood(new_text()).ok, "the service's return")
    return faulty_app


def new_text() -> str:
    """One that no memory has."""
    return f"This is text {next(numbers)}."


def told(tab: Visit, text: str) -> str:
    """Why there is no answer, on the page."""
    tab.text.fill(text)
    tab.button("Analyze mood").click()
    alert = tab.result.get_by_role("alert")
    alert.wait_for()
    expect(tab.button("Analyze mood")).to_be_enabled()
    return alert.inner_text()


def plain(words: str) -> str:
    """On one line, whatever the time."""
    return re.sub(r"\d+", "N", " ".join(words.split())).lower()


def check(page: str, *messages: str) -> None:
    """`messages` are what /api said before and after: while a service is left alone it also says for how long."""
    said = next((plain(message) for message in messages if plain(message) in plain(page)), None)
    assert said, (page, messages)
    hint = plain(page).replace(said, "", 1).strip() or re.search(r"\bin (n s|a minute)\b", said)
    assert hint, f"not what to do: {page}"
    parts = [part for each in re.split(r"[.;()]+(?:\s|$)", plain(page)) if (part := each.strip())]
    assert len(parts) == len(set(parts)), f"twice: {page}"
    assert not re.search(r"\b0 s\b", page), page


@pytest.mark.parametrize(("fault", "reason"), FAULTS.items())
def test_of_every_fault_of_the_service_the_page_says_what_the_api_says(
    visiting: Visiting, app: App, service: Upstream, fault: str, reason: str
) -> None:
    tab, text = visiting(app.url), new_text()
    service.fail(fault)
    before = app.mood(text).json()
    page = told(tab, text)
    after = app.mood(text).json()
    assert (before["reason"], after["reason"]) == (reason, reason)
    check(page, before["message"], after["message"])


@pytest.mark.parametrize(("token", "reason"), TOKENS.items())
def test_of_a_token_that_is_none_too(
    visiting: Visiting, start: Start, service: Upstream, token: str, reason: str
) -> None:
    app = start(MODE="api", API_URL=service.url, HF_TOKEN=token)
    message = app.reason(reason)["message"]
    assert app.mood(new_text()).json() == {"reason": reason, "message": message}
    check(told(visiting(app.url), new_text()), message)


def test_of_too_many_that_wait_too(visiting: Visiting, start: Start, service: Upstream) -> None:
    service.heal()
    app = start(MODE="api", API_URL=service.url, HF_TOKEN=TOKEN, API_TIMEOUT="60").ready()  # nothing is over meanwhile
    tab = visiting(app.url)
    service.open.clear()
    with ExitStack() as until_the_end:
        until_the_end.callback(service.open.set)
        waiting = [asking(app, new_text()) for _ in range(CALLS.workers + CALLS.room + 1)]
        for connection in waiting:
            until_the_end.callback(connection.close)
        assert select.select([connection.sock for connection in waiting], [], [], 60)[0]
        page = told(tab, new_text())
        answer = app.mood(new_text()).json()
    assert answer["reason"] == "Busy"
    check(page, answer["message"])


def test_a_wait_is_never_of_no_time(visiting: Visiting, app: App, service: Upstream) -> None:
    """Asked again and again until the service is tried anew."""
    tab = visiting(app.url)
    service.fail("429-after-5")
    for _ in range(3):
        app.mood(new_text())
    before = service.asked
    pages = []
    while service.asked == before:
        pages.append(told(tab, new_text()))
    assert len(pages) > 1
    assert not [page for page in pages if re.search(r"\b0 s\b", page)]
