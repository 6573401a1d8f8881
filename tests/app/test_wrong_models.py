"""A model whose files cannot be meant is refused in words that name the file; the app never ends for it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.config import TINY_MODEL
from tests.app.conftest import Start
from tests.app.venvs import ROOT, python_with
from tests.process import run

pytestmark = pytest.mark.app

Spoil = Callable[[Path], object]


def changed(**fields: Any) -> Spoil:
    """config.json with other fields; None takes one away."""

    def spoil(model: Path) -> None:
        path = model / "config.json"
        fields_now = json.loads(path.read_text()) | fields
        path.write_text(json.dumps({name: value for name, value in fields_now.items() if value is not None}))

    return spoil


def written(name: str, text: str) -> Spoil:
    return lambda model: (model / name).write_text(text)


WRONG = {
    "no labels": (changed(id2label=None), "id2label"),
    "labels of another kind": (changed(id2label=["joy"]), "id2label"),
    "labels with gaps": (changed(id2label={"0": "joy", "2": "fear"}), "id2label"),
    "too few labels": (changed(id2label={"0": "joy", "1": "fear"}), "config.json"),
    "cut off": (written("config.json", '{"id2label": {'), "config.json"),
    "no object": (written("config.json", "[]"), "config.json"),
    "no text": (lambda model: (model / "config.json").write_bytes(b"\xff\xfe"), "config.json"),
    "odd tokenizer": (written("tokenizer_config.json", "{"), "tokenizer_config.json"),
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY_MODEL, tmp_path / "model"))


def opened(python: Path, model: Path, **environment: str) -> dict[str, Any]:
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "MODEL": str(model), **environment}
    return json.loads(run(python, ROOT / "tests/app/local_backend.py", env=given))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_small_file_is_named(onnx_python: Path, model: Path, wrong: str) -> None:
    spoil, named = WRONG[wrong]
    spoil(model)
    found = opened(onnx_python, model)
    assert found["reason"] == "ModelUnusable"
    assert named in found["message"]


@pytest.mark.parametrize("field", ["max_position_embeddings", "pad_token_id", "problem_type"])
def test_an_odd_field_of_config_json_is_no_reason_to_refuse(onnx_python: Path, model: Path, field: str) -> None:
    changed(**{field: "odd"})(model)
    assert "scores" in opened(onnx_python, model)


@pytest.mark.parametrize(
    ("name", "text"),
    [("config.json", "{"), ("config.json", '{"model_type": "bert"}'), ("model.safetensors", "cut off")],
)
def test_transformers_refuses_in_words_too(torch_python: Path, model: Path, name: str, text: str) -> None:
    (model / name).write_text(text)
    found = opened(torch_python, model, MODEL_BACKEND="transformers")
    assert found["reason"] == "ModelUnusable"
    assert "config.json" in found["message"]


@pytest.fixture(scope="module")
def graph_python() -> Path:
    return python_with("graphs", "onnx==1.23.2")


RENAMED = """
import sys, onnx
model = onnx.load(sys.argv[1])
for names in (*(node.input for node in model.graph.node), *(node.output for node in model.graph.node)):
    names[:] = [sys.argv[3] if name == sys.argv[2] else name for name in names]
for value in (*model.graph.input, *model.graph.output):
    value.name = sys.argv[3] if value.name == sys.argv[2] else value.name
onnx.save(model, sys.argv[1])
"""


@pytest.mark.parametrize(("name", "other"), [("logits", "last_hidden_state"), ("input_ids", "pixel_values")])
def test_a_graph_of_another_kind_is_named(
    onnx_python: Path, graph_python: Path, model: Path, name: str, other: str
) -> None:
    run(graph_python, "-c", RENAMED, model / "model.onnx", name, other)
    found = opened(onnx_python, model)
    assert found["reason"] == "ModelUnusable"
    assert "model.onnx" in found["message"]
    assert other in found["message"]


def test_a_tokenizer_with_more_words_than_the_weights_is_named(onnx_python: Path, model: Path) -> None:
    path = model / "tokenizer.json"
    words = json.loads(path.read_text())
    vocabulary = words["model"]["vocab"]
    vocabulary.update({word: number + 10**6 for word, number in vocabulary.items()})
    path.write_text(json.dumps(words))
    found = opened(onnx_python, model)
    assert found["reason"] == "ModelUnusable"
    assert "model.onnx" in found["message"]


def test_the_app_says_so_and_goes_on(start: Start, onnx_python: Path, model: Path) -> None:
    changed(id2label=None)(model)
    app = start(onnx_python, MODEL=str(model))
    assert "id2label" in app.reason("ModelUnusable")["message"]
    assert "Traceback" not in app.output
    assert app.running
