"""The steps of a conversion: export, hold against torch, quantise, hold against the export, write down what came out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import AutoModelForSequenceClassification, AutoTokenizer

from ..backends.onnx import OnnxModel
from ..backends.pytorch import TorchModel
from .gate import EXPORTED, QUANTISED, Scores, Verdict, judged
from .graph import to_int8, to_onnx
from .manifest import write_manifest

WHOLE, INT8 = "model.onnx", "model_int8.onnx"


class Refused(Exception):  # noqa: N818 - a verdict, not a mistake
    """The export does not say what the model says: nothing was made."""


def make(
    source: Path,
    target: Path,
    texts: list[str],
    facts: dict[str, Any],
    quantise: Callable[[Path, Path], None] = to_int8,
) -> Verdict:
    """Fills `target`, a directory that may be there already: fp32 always, int8 only where the verdict lets it pass. Raises Refused."""
    making = target.with_name(f".{target.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        exported = _export(source, making, texts)
        quantise(making / WHOLE, making / INT8)
        verdict = judged(exported, _scores(OnnxModel(making / INT8), texts), QUANTISED)
        if not verdict.passed:
            (making / INT8).unlink()
        write_manifest(making, {**facts, "int8": verdict.facts()})
        _publish(making, target)
    finally:
        shutil.rmtree(making)
    return verdict


def _publish(making: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    if not (making / INT8).exists():
        (target / INT8).unlink(missing_ok=True)  # of an earlier model or verdict: it would be preferred to the new one
    for path in making.iterdir():
        path.replace(target / path.name)


def _export(source: Path, target: Path, texts: list[str]) -> Scores:
    """What the graph says of the texts."""
    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
    model = AutoModelForSequenceClassification.from_pretrained(source, local_files_only=True).eval()
    tokenizer.save_pretrained(target)
    model.config.save_pretrained(target)
    to_onnx(model, tokenizer, target / WHOLE)
    return same_as_torch(source, target / WHOLE, texts)


def same_as_torch(source: Path, graph: Path, texts: list[str]) -> Scores:
    """What both say of the texts. Raises Refused where they differ."""
    exported = _scores(OnnxModel(graph), texts)
    verdict = judged(_scores(TorchModel(source), texts), exported, EXPORTED)
    if not verdict.passed:
        raise Refused(f"{graph.name} does not say what torch says: {verdict}")
    return exported


def _scores(model: OnnxModel | TorchModel, texts: list[str]) -> Scores:
    """In batches, as they are asked in the app, so that padding is tried as well."""
    return [scores for start in range(0, len(texts), 4) for scores in model.scores(texts[start : start + 4])]
