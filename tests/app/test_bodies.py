"""What a visitor sends to the pages is bounded: on the disk and in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.app.running import HTTP, App

pytestmark = pytest.mark.app

LONGEST = 256 * 1024
SESSION = 50  # entries that a browser keeps
KILOBYTES = 1024


def sent(app: App, path: str, **body: Any) -> requests.Response:
    return requests.post(app.url + path, timeout=HTTP.total_seconds(), **body)


def resident(app: App) -> int:
    """Bytes."""
    status = Path(f"/proc/{app.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * KILOBYTES


def test_256_kib_is_the_longest_body_also_when_its_length_is_not_said_before(onnx_app: App) -> None:
    question = json.dumps({"data": ["I am happy"]}).encode().ljust(LONGEST)
    kind = {"content-type": "application/json"}

    def pieces(body: bytes) -> Iterator[bytes]:
        return (body[at : at + 10_000] for at in range(0, len(body), 10_000))

    for body in (question, pieces(question)):
        assert sent(onnx_app, "/gradio_api/call/analyze", data=body, headers=kind).ok
    for body in (question + b" ", pieces(question + b" ")):
        answer = sent(onnx_app, "/gradio_api/call/analyze", data=body, headers=kind)
        assert (answer.status_code, answer.json()["reason"]) == (413, "TooLong")


def test_a_body_that_is_far_too_long_is_refused_and_the_app_goes_on(onnx_app: App) -> None:
    try:
        answer = sent(onnx_app, "/gradio_api/call/analyze", data=b" " * 20_000_000)
    except requests.ConnectionError:  # cut off while it was still sending
        pass
    else:
        assert answer.status_code == 413
    assert onnx_app.press("analyze", "I am so happy today!")[0]["label"] == "joy"


@pytest.mark.parametrize("path", ["upload", "process_recording", "component_server"])
def test_no_file_is_taken(onnx_app: App, path: str) -> None:
    answer = sent(onnx_app, f"/gradio_api/{path}", files={"files": b"a" * 1000})
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


def test_the_longest_session_that_a_browser_keeps_can_be_sent_along(onnx_app: App) -> None:
    """A control character is the longest in JSON: six bytes."""
    entry = {"text": "\1" * 301, "mood": "\1" * 60, "confidence": 1.0, "at": "2026-01-01T00:00:00+00:00"}
    kept = {"labels": ["\1" * 60] * SESSION, "entries": [entry] * SESSION}
    config = onnx_app.get("/config").json()
    press = next(each for each in config["dependencies"] if each["api_name"] == "_show_mood")
    asked = {"data": ["I am so happy" + "\1" * 4980, kept], "fn_index": press["id"], "session_hash": "longest"}
    answer = sent(onnx_app, "/gradio_api/run/predict", json=asked)
    assert answer.ok, answer.text[:500]
    assert len(answer.json()["data"][2]["entries"]) == SESSION


def test_a_text_that_was_refused_is_not_kept(onnx_app: App) -> None:
    def ask(times: int) -> None:
        for _ in range(times):
            assert onnx_app.press("analyze", "a" * 200_000)[0] is None

    ask(30)
    before = resident(onnx_app)
    ask(100)
    assert resident(onnx_app) - before < 10_000_000


@pytest.mark.parametrize("fetched", [True, False])
def test_what_was_asked_is_not_kept(onnx_app: App, *, fetched: bool) -> None:
    feeling = "a" * 200_000

    def ask(times: int) -> None:
        for _ in range(times):
            if fetched:
                assert onnx_app.press("thought", feeling)[0] == ""
            else:
                assert sent(onnx_app, "/gradio_api/call/thought", json={"data": [feeling]}).ok

    ask(30)  # what it keeps of them at most
    before = resident(onnx_app)
    ask(100)
    assert resident(onnx_app) - before < 50 * len(feeling)
