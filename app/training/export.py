"""Writes a trained model in both formats, checks that they agree, and says in a manifest what was made and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import DistilBertForSequenceClassification, PreTrainedTokenizerFast

from ..conversion.graph import to_onnx
from ..conversion.making import WHOLE, same_as_torch
from ..conversion.manifest import write_manifest
from .corpus import held_out

ABOUT = (
    "A demo model for six moods in short English sentences. The held-out sentences have the same authors as the training "
    "ones and share words with them, though no sentence or clause: expect less on other people's texts."
)
HOW = "python -m app.training.train app/model"


def export(
    model: DistilBertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, target: Path, facts: dict[str, Any]
) -> None:
    """Fills `target`; raises Refused when the two formats do not say the same of the held-out sentences."""
    target.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(target)
    model.save_pretrained(target)
    to_onnx(model, tokenizer, target / WHOLE)
    same_as_torch(target, target / WHOLE, [example.text for example in held_out()])
    write_manifest(target, {"name": "tiny-mood", "about": ABOUT, "licence": "Apache-2.0", "made": HOW, **facts})
