"""A local model beside the service: it is opened before it is needed, and nobody waits for one that cannot be opened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.app.conftest import Start
from tests.app.deafhub import deaf
from tests.app.running import App
from tests.app.upstream import Upstream
from tests.waiting import wait_for

pytestmark = pytest.mark.app

SOON = 8  # seconds, on a busy machine; the Hub alone is given 20
HAPPY = b'{"text": "I am so happy today!"}'


@pytest.fixture
def deaf_hub() -> Iterator[str]:
    with deaf() as url:
        yield url


@pytest.fixture
def app(start: Start, onnx_python: Path, upstream: Upstream, deaf_hub: str) -> App:
    """Ready, and its local model cannot be had."""
    given = {"MODE": "api", "API_URL": upstream.url, "HF_TOKEN": "hf_any", "API_PATIENCE": "0"}
    return start(onnx_python, **given, FALLBACK="local", HF_ENDPOINT=deaf_hub, MODEL="owner/none").ready()


def timed(ask: Callable[[], requests.Response]) -> tuple[float, requests.Response]:
    began = time.monotonic()
    answer = ask()
    return time.monotonic() - began, answer


def test_nobody_waits_for_a_model_that_cannot_be_had(app: App, upstream: Upstream) -> None:
    upstream.fail("503")
    for _ in range(2):  # the second time during the service's rest
        with ThreadPoolExecutor(3) as visitors:
            told = list(visitors.map(lambda number: timed(lambda: app.mood(f"text {number}")), range(3)))
        assert {answer.json()["reason"] for _, answer in told} == {"UpstreamDown"}
        assert max(took for took, _ in told) < SOON


def test_a_comparison_does_not_wait_either(app: App) -> None:
    with ThreadPoolExecutor(3) as visitors:
        told = list(visitors.map(lambda _: timed(lambda: app.post("/api/compare", HAPPY)), range(3)))
    for took, answer in told:
        service, local = answer.json()
        assert (service["mood"]["label"], local["failure"]["reason"]) == ("joy", "Loading")
        assert local["failure"]["message"] == "The model is loading: asking the Hub for owner/none."
        assert took < SOON


def test_a_failed_opening_is_remembered_and_tried_again_by_itself(
    start: Start, onnx_python: Path, upstream: Upstream, tmp_path: Path
) -> None:
    given = {"MODE": "api", "API_URL": upstream.url, "HF_TOKEN": "hf_any", "API_PATIENCE": "0"}
    hub = {"HF_ENDPOINT": "http://127.0.0.1:9", "MODEL": "owner/none", "HF_HUB_CACHE": str(tmp_path)}
    app = start(onnx_python, **given, **hub, FALLBACK="local").ready()
    wait_for(lambda: "mode local cannot be opened: DownloadFailed" in app.output, "the first try, without a question")
    local = app.post("/api/compare", HAPPY).json()[1]
    assert local["failure"]["reason"] == "DownloadFailed"


def test_the_local_model_is_there_before_the_service_fails(start: Start, onnx_python: Path, upstream: Upstream) -> None:
    app = start(onnx_python, MODE="api", API_URL=upstream.url, HF_TOKEN="hf_any", FALLBACK="local").ready()  # noqa: S106
    wait_for(lambda: "libonnxruntime" in Path(f"/proc/{app.pid}/maps").read_text(), "the model, without a question")


def test_a_comparison_costs_no_call_for_a_text_seen_before(start: Start, onnx_python: Path, upstream: Upstream) -> None:
    app = start(onnx_python, MODE="api", API_URL=upstream.url, HF_TOKEN="hf_any").ready()  # noqa: S106
    assert app.post("/api/mood", HAPPY).ok
    asked = upstream.asked
    service, local = app.post("/api/compare", HAPPY).json()
    assert upstream.asked == asked
    assert (service["mood"]["cached"], local["mood"]["cached"]) == (True, False)
