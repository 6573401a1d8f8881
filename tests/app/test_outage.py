"""A service that has hiccups, is down, or wants to be left alone: what visitors notice, and how often it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.conftest import Start
from tests.app.running import App
from tests.app.upstream import Upstream
from tests.waiting import wait_for

pytestmark = pytest.mark.app

TOKEN = "hf_any"  # noqa: S105


@pytest.fixture(scope="module")
def service() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(shared: Start, api_python: Path, service: Upstream) -> App:
    return shared(api_python, MODE="api", API_URL=service.url, HF_TOKEN=TOKEN)


@pytest.mark.parametrize("fault", ["503", "429", "reset"])
def test_a_hiccup_is_not_noticed(app: App, service: Upstream, fault: str) -> None:
    before = service.asked
    service.fail(fault, times=1)
    assert app.mood(f"a hiccup: {fault}").json()["label"] == "joy"
    assert service.asked == before + 2


def test_the_second_try_comes_when_the_service_said(app: App, service: Upstream) -> None:
    service.fail("429-after-1", times=1)
    assert app.mood("after a second").ok
    assert service.arrivals[-1] - service.arrivals[-2] >= 1


@pytest.mark.parametrize("fault", ["401", "402", "404", "400", "html"])
def test_what_another_try_does_not_cure_is_asked_once(app: App, service: Upstream, fault: str) -> None:
    before = service.asked
    service.fail(fault, times=1)
    assert not app.mood(f"no second try: {fault}").ok
    assert app.mood(f"no second try: {fault}").ok
    assert service.asked == before + 2


def test_a_text_seen_before_costs_no_call_and_a_thought_always_does(app: App, service: Upstream) -> None:
    first = app.mood("the very same text").json()
    before = service.asked
    again = app.mood("the very same text").json()
    assert service.asked == before
    assert (again["cached"], again["scores"]) == (True, first["scores"])
    assert first["cached"] is False
    assert app.thought().ok
    assert app.thought().ok
    assert service.asked == before + 2
    assert "answer_cache_hits_total 1.0" in app.get("/metrics").text


def test_a_service_that_is_down_is_left_alone_and_taken_up_again_by_itself(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    app = start(api_python, MODE="api", API_URL=upstream.url, HF_TOKEN=TOKEN, API_PATIENCE="0").ready()
    known = app.mood("asked while it was well")
    upstream.fail("503")
    told = [app.mood(f"text {number}") for number in range(6)]
    assert {(each.status_code, each.json()["reason"]) for each in told} == {(502, "UpstreamDown")}
    assert upstream.asked == 1 + 1 + 3  # the canary, the first text, and three failures
    assert "the next try is in" in told[-1].json()["message"]
    assert int(told[-1].headers["retry-after"]) >= 1
    assert app.mood("asked while it was well").json()["scores"] == known.json()["scores"]
    assert app.press("analyze", "on the page")[1].startswith("The inference service does not answer")

    state = app.get("/readyz").json()
    assert state["ready"] is True
    assert (state["upstream"]["moods"]["state"], state["upstream"]["moods"]["reason"]) == ("down", "UpstreamDown")
    assert state["upstream"]["thoughts"]["state"] == "unknown"
    assert 'upstream_state{state="down",task="moods"} 1.0' in app.get("/metrics").text

    upstream.heal()
    wait_for(lambda: app.mood("text again").ok, "the answer after the rest")
    assert app.get("/readyz").json()["upstream"]["moods"]["state"] == "up"


def test_a_service_that_wants_a_minute_gets_it_and_visitors_hear_how_long(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    app = start(api_python, MODE="api", API_URL=upstream.url, HF_TOKEN=TOKEN).ready()
    assert app.thought().ok
    upstream.fail("429-after-60")
    first, second = app.thought(), app.thought()
    assert [(each.status_code, each.json()["reason"]) for each in (first, second)] == [(429, "RateLimited")] * 2
    assert first.json()["message"] == "Too many requests just now; try again in 60 s."
    assert 1 <= int(second.headers["retry-after"]) <= 61
    assert upstream.asked == 3  # the canary, a thought, and the one that was too much


def test_with_a_fallback_the_local_model_stands_in_and_says_so(
    start: Start, onnx_python: Path, upstream: Upstream
) -> None:
    upstream.fail("402")
    app = start(onnx_python, MODE="api", API_URL=upstream.url, HF_TOKEN=TOKEN, FALLBACK="local").ready()
    assert (app.mood("I am so happy today!").json()["source"], app.thought().json()["source"]) == (
        "onnx",
        "our own list",
    )
    for endpoint, asked in (("analyze", "I am so happy today!"), ("thought", "joy")):
        assert app.press(endpoint, asked)[1].endswith(" s, because the service cannot answer.")
    assert app.get("/readyz").json()["upstream"]["moods"]["state"] == "down"
    upstream.heal()
    wait_for(lambda: app.mood("I am so happy today!").json()["source"] == "api", "the service's answers")
    upstream.fail("401")
    assert app.mood("not for the local model").json()["reason"] == "TokenRejected"


def test_a_fallback_that_is_not_installed_hides_no_cause(start: Start, api_python: Path, upstream: Upstream) -> None:
    upstream.fail("503")
    start(api_python, MODE="api", API_URL=upstream.url, HF_TOKEN=TOKEN, FALLBACK="local").reason("UpstreamDown")


def test_a_fallback_that_cannot_load_hides_no_cause_and_the_service_is_asked_again(
    start: Start, onnx_python: Path, upstream: Upstream
) -> None:
    upstream.fail("503")
    given = {"MODE": "api", "API_URL": upstream.url, "HF_TOKEN": TOKEN, "FALLBACK": "local", "MODEL": "/nowhere"}
    app = start(onnx_python, **given)
    app.reason("UpstreamDown")
    upstream.heal()
    app.ready()
    upstream.fail("503")
    assert app.mood("what is wrong with the service?").json()["reason"] == "UpstreamDown"
