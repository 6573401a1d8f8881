"""Positive thoughts of a language model on this machine: tiny ones with random weights, made here, so that the text is nonsense and its own."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.thoughts import LONGEST, THOUGHTS, bounded
from tests.app.venvs import ROOT
from tests.process import run

pytestmark = pytest.mark.app

OURS = {thought for thoughts in THOUGHTS.values() for thought in thoughts}
LOADS = timedelta(minutes=2)


@pytest.fixture(scope="module")
def writers(torch_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writers")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run(torch_python, ROOT / "tests/app/nonsense_writer.py", folder, env=environment, within=LOADS)
    return folder


def opened(python: Path, **environment: str) -> dict[str, Any]:
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "THOUGHTS": "3", **environment}
    return json.loads(run(python, ROOT / "tests/app/local_backend.py", env=given, within=LOADS))


def test_the_model_that_is_named_writes_the_thought(torch_python: Path, writers: Path) -> None:
    found = opened(torch_python, LOCAL_THOUGHT_MODEL=str(writers / "talks"))
    texts, sources = zip(*found["thoughts"], strict=True)
    assert set(sources) == {found["source"]} == {"talks"}
    assert len(set(texts)) == 3  # sampled, so each time another one
    assert not set(texts) & OURS
    vocabulary = json.loads((writers / "talks/tokenizer.json").read_text())["model"]["vocab"]
    words = " ".join(texts).removesuffix(" ...").split()
    assert len(words) > 30
    assert sum(word.strip(".,!?") in vocabulary for word in words) > len(words) / 2
    assert all(0 < len(text) <= LONGEST + len(" ...") for text in texts)
    assert any(line.startswith("loading talks (") for line in found["said"])


def test_where_it_finds_no_words_a_thought_of_ours_comes_and_says_so(torch_python: Path, writers: Path) -> None:
    found = opened(torch_python, LOCAL_THOUGHT_MODEL=str(writers / "silent"))
    assert found["source"] == "silent"
    for text, source in found["thoughts"]:
        assert source == "our own list"
        assert text in THOUGHTS["fear"]


def test_a_release_without_torch_says_what_it_lacks(onnx_python: Path, writers: Path) -> None:
    found = opened(onnx_python, LOCAL_THOUGHT_MODEL=str(writers / "talks"))
    assert found["reason"] == "BackendMissing"
    assert "requirements/local.txt" in found["message"]


def test_weights_that_were_cut_off_are_named(torch_python: Path, writers: Path, tmp_path: Path) -> None:
    cut = shutil.copytree(writers / "talks", tmp_path / "cut")
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    found = opened(torch_python, LOCAL_THOUGHT_MODEL=str(cut))
    assert (found["reason"], "LOCAL_THOUGHT_MODEL" in found["message"]) == ("ModelUnusable", True)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Small  steps\ncount.", "Small steps count."),
        (f"One. {'two ' * 100}", "One."),
        (f"One! Two? {'a' * 300}", "One! Two?"),
        ("word " * 100, ("word " * (LONGEST // 5)).strip() + " ..."),
        ("a" * 400, "a" * LONGEST + " ..."),
        ("", ""),
    ],
)
def test_a_thought_without_end_is_cut_where_a_sentence_ends(said: str, shown: str) -> None:
    assert bounded(said) == shown
