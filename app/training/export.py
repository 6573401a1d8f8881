"""Writes a trained model in both formats, checks that they agree, and says in a manifest what was made and how."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from transformers import DistilBertForSequenceClassification, PreTrainedTokenizerFast

from .corpus import held_out

MADE_WITH = ("torch", "transformers", "tokenizers", "onnx", "onnxscript", "onnxruntime")
ABOUT = (
    "A demo model for six moods in short English sentences. The held-out sentences have the same authors as the training "
    "ones and share words with them, though no sentence or clause: expect less on other people's texts."
)
HOW = "python -m app.training.train app/model"
TOLERANCE = 1e-4  # of a logit, between the formats


def export(
    model: DistilBertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, target: Path, facts: dict[str, Any]
) -> None:
    """Fills `target`; fails when the two formats do not give the same logits for the held-out sentences."""
    target.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(target)
    model.save_pretrained(target)
    to_onnx(model, target / "model.onnx")
    check(model, tokenizer, target / "model.onnx")
    write_manifest(target, facts)
    for path in target.iterdir():
        # save_pretrained writes weights with mode 0600; the service may run as somebody else.
        path.chmod(0o644)


def to_onnx(model: DistilBertForSequenceClassification, path: Path) -> None:
    ids = torch.ones(2, 8, dtype=torch.int64)
    mask = ids.clone()
    mask[1, 4:] = 0  # a padded row: with a mask of ones only, the exporter leaves the mask out of the graph
    free = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    program = torch.onnx.export(
        model,
        kwargs={"input_ids": ids, "attention_mask": mask},
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes={"input_ids": free, "attention_mask": free},
        dynamo=True,
    )
    onnx.save(without_traces(program.model_proto), path)


def without_traces(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The exporter notes the source lines of this machine in each node: nobody else can use them."""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.graph.metadata_props[:]
    return graph


def check(model: DistilBertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, path: Path) -> None:
    texts = [example.text for example in held_out()]
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).logits
    session = onnxruntime.InferenceSession(path)
    (logits,) = session.run(["logits"], {name: tensor.numpy() for name, tensor in inputs.items()})
    worst = (torch.from_numpy(logits) - expected).abs().max().item()
    if worst > TOLERANCE:
        raise SystemExit(f"{path}: logits differ from torch's by {worst:.2g}; nothing was accepted")


def write_manifest(target: Path, facts: dict[str, Any]) -> None:
    files = sorted(path for path in target.iterdir() if path.name != "manifest.json")
    manifest = {
        "name": "tiny-mood",
        "about": ABOUT,
        "licence": "Apache-2.0",
        "made": HOW,
        "madeWith": {"python": platform.python_version()} | {name: version(name) for name in MADE_WITH},
        **facts,
        "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
