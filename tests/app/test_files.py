"""What is shipped: the model's files, the sentences it was made from, and the locks."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from app.training.corpus import MOODS, clauses, held_out, sentences
from tests.app.venvs import ROOT

MODEL = ROOT / "app" / "model"
LOCKS = ["api", "onnx", "local", "convert"]


def test_the_manifest_names_every_file_of_the_model_with_its_digest() -> None:
    manifest = json.loads((MODEL / "manifest.json").read_text())
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in MODEL.iterdir()}
    assert manifest["sha256"] == {name: digest for name, digest in files.items() if name != "manifest.json"}
    assert {"model.safetensors", "model.onnx", "tokenizer.json", "config.json"} <= set(files)


def test_the_model_is_small_and_every_user_may_read_it() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 1_500_000
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in MODEL.iterdir())


def test_there_are_enough_sentences_of_every_mood() -> None:
    trained, unseen = (Counter(example.mood for example in found) for found in (sentences(), held_out()))
    assert set(trained) == set(unseen) == set(MOODS)
    assert min(trained.values()) >= 40
    assert min(unseen.values()) >= 20


def test_no_held_out_sentence_was_trained_on_whole_or_with_a_clause_in_it() -> None:
    trained = {_words(example.text) for example in sentences() + clauses()}
    whole = [words for words in trained if len(words.split()) > 2]  # shorter ones are idioms: "wow", "no way"
    shared = [(each.text, words) for each in held_out() for words in whole if words in _words(each.text)]
    assert shared == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_by_hash_and_names_no_place(name: str) -> None:
    lock = _lock(name)
    packages = re.findall(r"^([a-z0-9][\w.-]*)==\S+.*\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[a-z0-9].*==", lock, re.MULTILINE)) > 30
    assert not re.search(r"://|--index|--find-links|@ ", lock)


def test_torch_is_in_the_lock_for_local_models_only_and_for_cpus_only() -> None:
    assert re.search(r"^torch==2\.13\.0\+cpu \\$", _lock("local"), re.MULTILINE)
    assert not re.search(r"^(nvidia|cuda|triton)", _lock("local"), re.MULTILINE)
    assert not any(re.search(r"^(torch|transformers)==", _lock(name), re.MULTILINE) for name in ("api", "onnx"))
    assert "onnxruntime" not in _lock("api")


def test_the_app_knows_nothing_of_the_agent() -> None:
    code = [path.read_text() for path in (ROOT / "app").rglob("*.py")]
    assert code
    assert not any(re.search(r"^\s*(from|import) agent\b", text, re.MULTILINE) for text in code)


def _words(text: str) -> str:
    return " " + " ".join(re.findall(r"[a-z']+", text.lower())) + " "


def _lock(name: str) -> str:
    return Path(ROOT / "requirements" / f"{name}.txt").read_text()
