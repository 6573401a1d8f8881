"""Over HTTP the app says what the model says: the same text through the library alone gives the same answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.training.corpus import held_out
from tests.app.running import REVISION, App
from tests.app.venvs import ROOT
from tests.process import run

pytestmark = pytest.mark.app

UNSEEN = [example.text for example in held_out()][::2][:50]


def direct(python: Path, script: str, texts: list[str]) -> list[dict[str, float]]:
    said = run(
        *(python, ROOT / "tests/app" / script, ROOT / "app/model"), given=json.dumps(texts), within=timedelta(minutes=2)
    )
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
    ],
)
def test_a_request_that_cannot_be_meant_is_told_why(onnx_app: App, body: bytes, status: int, reason: str) -> None:
    answer = onnx_app.post("/api/mood", body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
