"""Over HTTP the app says what the model says: the same text through the library alone gives the same answer."""

from __future__ import annotations

import json
import select
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from app.backends import CALLS
from app.training.corpus import held_out
from tests.app.conftest import Start
from tests.app.running import REVISION, App
from tests.app.upstream import Upstream
from tests.app.venvs import ROOT
from tests.process import run

pytestmark = pytest.mark.app

UNSEEN = [example.text for example in held_out()][::2][:50]


def direct(python: Path, script: str, texts: list[str], model: Path = ROOT / "app/model") -> list[dict[str, float]]:
    said = run(python, ROOT / "tests/app" / script, model, given=json.dumps(texts), within=timedelta(minutes=2))
    return json.loads(said[said.index("[") :])


def same_answers(app: App, expected: list[dict[str, float]]) -> None:
    assert len(expected) == len(UNSEEN) == 50
    for text, scores in zip(UNSEEN, expected, strict=True):
        answer = app.mood(text).json()
        assert answer["scores"] == pytest.approx(scores, abs=1e-4), text
        assert answer["label"] == max(scores, key=scores.__getitem__), text
        assert answer["confidence"] == max(answer["scores"].values())


def test_fifty_unseen_sentences_get_the_answer_of_onnxruntime_itself(onnx_app: App, onnx_python: Path) -> None:
    assert onnx_app.get("/version").json()["backend"] == "onnx"
    same_answers(onnx_app, direct(onnx_python, "direct_onnx.py", UNSEEN))


def test_fifty_unseen_sentences_get_the_answer_of_transformers_itself(torch_app: App, torch_python: Path) -> None:
    assert torch_app.get("/version").json()["backend"] == "transformers"
    same_answers(torch_app, direct(torch_python, "direct_torch.py", UNSEEN))


def test_fifty_unseen_sentences_get_the_upstream_s_answer_in_api_mode(api_app: App, onnx_python: Path) -> None:
    assert api_app.get("/version").json()["backend"] == "api"
    same_answers(api_app, direct(onnx_python, "direct_onnx.py", UNSEEN))


@pytest.mark.parametrize("name", ["onnx_app", "torch_app"])
def test_texts_asked_at_once_get_the_answers_they_get_alone(name: str, request: pytest.FixtureRequest) -> None:
    """Of like length or not, each in whatever batch it comes into."""
    app: App = request.getfixturevalue(name)
    texts = [*UNSEEN, *(" ".join(UNSEEN[start : start + 6]) for start in range(0, 40, 4))]
    alone = [app.mood(text).json() for text in texts]
    with ThreadPoolExecutor(16) as clients:
        together = [answer.json() for answer in clients.map(app.mood, texts)]
    for text, first, second in zip(texts, alone, together, strict=True):
        assert second["scores"] == pytest.approx(first["scores"], abs=1e-4), text


def test_when_too_many_wait_the_next_is_told_to_come_again(start: Start, api_python: Path, upstream: Upstream) -> None:
    app = start(api_python, MODE="api", API_URL=upstream.url, HF_TOKEN="hf_any").ready()  # noqa: S106
    upstream.open.clear()
    with ExitStack() as until_the_end:
        asked = [asking(app, f"I am happy {number} times") for number in range(CALLS.workers + CALLS.room + 1)]
        for connection in asked:
            until_the_end.callback(connection.close)
        told, _, _ = select.select([connection.sock for connection in asked], [], [], 60)
        (refused,) = [connection for connection in asked if connection.sock in told]
        answer = refused.getresponse()
        assert answer.status == 503
        words = json.load(answer)
        assert words["reason"] == "Busy"
        assert "please try again in" in words["message"]
        upstream.open.set()
        assert {connection.getresponse().status for connection in asked if connection is not refused} == {200}


def asking(app: App, text: str) -> HTTPConnection:
    """Somebody who waits for an answer."""
    connection = HTTPConnection("127.0.0.1", app.port, timeout=60)
    connection.request("POST", "/api/mood", json.dumps({"text": text}))
    return connection


def test_the_shipped_accuracy_is_what_the_model_reaches(onnx_python: Path) -> None:
    examples = held_out()
    answers = direct(onnx_python, "direct_onnx.py", [example.text for example in examples])
    right = sum(
        max(scores, key=scores.__getitem__) == example.mood for example, scores in zip(examples, answers, strict=True)
    )
    manifest = json.loads((ROOT / "app/model/manifest.json").read_text())
    assert manifest["heldOut"] == {"sentences": len(examples), "right": right}
    assert right / len(examples) > 0.8


def test_a_text_beyond_the_model_s_window_is_cut_not_refused(onnx_app: App, torch_app: App) -> None:
    endless = "I am so happy today! " * 500
    first, second = (app.mood(endless).json() for app in (onnx_app, torch_app))
    assert first["label"] == second["label"] == "joy"
    assert first["scores"] == pytest.approx(second["scores"], abs=1e-4)


def test_the_version_says_what_answers(onnx_app: App) -> None:
    version = onnx_app.get("/version").json()
    assert datetime.fromisoformat(version.pop("since")) < datetime.now(UTC)
    assert version == {
        "revision": REVISION,
        "mode": "local",
        "modes": ["local"],
        "backend": "onnx",
        "device": "cpu",
        "model": "tiny-mood (demo)",
        "modelRevision": None,
        "thoughts": "our own list",
        "apiURL": None,
    }


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b'{"text": "  "}', 400, "EmptyText"),
        (b'{"text": 7}', 400, "BadRequest"),
        (b"[]", 400, "BadRequest"),
        (b"\xff", 400, "BadRequest"),
        (b'{"text": "' + b"a" * 70_000 + b'"}', 413, "TooLong"),
        (b'{"text": "' + b"a" * 20_001 + b'"}', 413, "TooLong"),
    ],
)
def test_a_request_that_cannot_be_meant_is_told_why(onnx_app: App, body: bytes, status: int, reason: str) -> None:
    answer = onnx_app.post("/api/mood", body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
