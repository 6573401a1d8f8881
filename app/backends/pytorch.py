"""A text-classification model through transformers on torch: the reference, and the way for models without ONNX files."""

from __future__ import annotations

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from ..moods import Failure

LONGEST = 512  # tokens, when the tokenizer's own limit is absurd (the Hub writes 1e30 for "no limit")


class TorchModel:
    """Safe to use from several threads."""

    def __init__(self, model: str, revision: str | None, token: str | None) -> None:
        options = {"revision": revision or "main", "token": token}
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(model, **options)
            self._model = AutoModelForSequenceClassification.from_pretrained(model, **options).eval()
        except (OSError, ValueError):
            # Its text lists urls and local paths; the reasons are these.
            raise Failure(
                "ModelUnusable",
                f"MODEL={model} is neither a directory nor a text-classification model this machine can download.",
                passing=True,
            ) from None

    @torch.inference_mode()
    def scores(self, text: str) -> dict[str, float]:
        longest = min(self._tokenizer.model_max_length, LONGEST)
        inputs = self._tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")
        shares = self._model(**inputs).logits[0].softmax(-1).tolist()
        return {self._model.config.id2label[index]: share for index, share in enumerate(shares)}
