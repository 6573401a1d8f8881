"""A text-classification model through ONNX Runtime: seven times lighter than torch, and it starts in a tenth of the time."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from ..moods import Failure
from .hub import fetch

GRAPHS = ("model.onnx", "onnx/model.onnx")  # ours; a model repository's
LONGEST = 512  # tokens, when the tokenizer's own limit is absent or absurd


def locate(model: str, revision: str | None, token: str | None) -> Path | None:
    """The ONNX file of `model`, its tokenizer and labels beside or above it; None when the model has none."""
    folder = fetch(model, revision, token, ["*.json", *GRAPHS])
    return next((folder / name for name in GRAPHS if (folder / name).is_file()), None)


class OnnxModel:
    """Safe to use from several threads."""

    def __init__(self, graph: Path) -> None:
        folder = graph.parent if (graph.parent / "config.json").is_file() else graph.parent.parent
        labels = _read(folder / "config.json")["id2label"]
        self._labels = [labels[str(index)] for index in range(len(labels))]
        self._tokenizer = Tokenizer.from_file(str(_existing(folder / "tokenizer.json")))
        self._tokenizer.enable_truncation(_limit(folder / "tokenizer_config.json"))
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(2, os.cpu_count() or 1)
        # Between requests the threads would burn a core each.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._inputs = [node.name for node in self._session.get_inputs()]

    def scores(self, text: str) -> dict[str, float]:
        encoded = self._tokenizer.encode(text)
        known = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}
        feed = {name: np.array([known[name]], dtype=np.int64) for name in self._inputs}
        logits = self._session.run(None, feed)[0][0]
        weights = np.exp(logits - logits.max())
        return dict(zip(self._labels, (weights / weights.sum()).tolist(), strict=True))


def _limit(path: Path) -> int:
    """The Hub writes 1e30 for "no limit"."""
    return min(int(_read(path).get("model_max_length", LONGEST)), LONGEST)


def _read(path: Path) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads(_existing(path).read_text(encoding="utf-8"))
    return contents


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise Failure("ModelUnusable", f"{path.name} is missing from the model; try MODEL_BACKEND=transformers.")
    return path
