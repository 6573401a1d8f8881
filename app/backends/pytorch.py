"""A text-classification model through transformers on torch: the reference, and the way for models without ONNX files."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from ..moods import Failure, Limits
from .files import longest, read
from .outputs import Outputs

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def limits() -> Limits:
    """One at a time: torch uses every core for a batch by itself, and a graphics card likes large ones."""
    return Limits(workers=1, batch=64 if DEVICE == "cuda" else 8)


class TorchModel:
    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, ImportError):
            # Its text lists urls and local paths; the reason is this.
            raise Failure("ModelUnusable", "transformers cannot load the model as a text classifier.") from None
        self._model = model.eval().to(DEVICE)
        self._outputs = Outputs(read(folder / "config.json"))
        self._longest = longest(folder / "config.json")

    @torch.inference_mode()
    def scores(self, texts: list[str]) -> list[dict[str, float]]:
        inputs = self._tokenizer(texts, padding=True, truncation=True, max_length=self._longest, return_tensors="pt")
        logits = self._model(**inputs.to(DEVICE)).logits
        return self._outputs.scores(logits.float().cpu().numpy())
