"""A text-classification model through transformers on torch: the reference, and the way for models without ONNX files."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from ..moods import Failure, Limits
from .files import longest, read
from .outputs import Outputs

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# Threads that share a batch wait for the slowest of them, again and again: on a busy machine that costs more than half.
torch.set_num_threads(1)


def limits() -> Limits:
    """One thread for each core, each with a batch of its own; a graphics card likes one large batch."""
    return Limits(workers=1, batch=64) if DEVICE == "cuda" else Limits(workers=len(os.sched_getaffinity(0)), batch=8)


class TorchModel:
    """Safe to use from several threads. Raises Failure for files it cannot read."""

    def __init__(self, folder: Path) -> None:
        self._outputs = Outputs(read(folder / "config.json"))
        self._longest = longest(folder / "config.json")
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
        except Exception:  # noqa: BLE001 - of every library below it; their texts list urls and local paths
            raise Failure(
                "ModelUnusable",
                "transformers cannot load the model as a text classifier: fetch its config.json, tokenizer and weights anew.",
            ) from None
        self._tokenizing = Lock()
        self._model = model.eval().to(DEVICE)

    @torch.inference_mode()
    def scores(self, texts: list[str]) -> list[dict[str, float]]:
        # It keeps how to pad and cut inside itself, and refuses a second caller while that changes ("Already borrowed").
        with self._tokenizing:
            inputs = self._tokenizer(
                texts, padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
            )
        logits = self._model(**inputs.to(DEVICE)).logits
        return self._outputs.scores(logits.float().cpu().numpy())
