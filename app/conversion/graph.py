"""A classifier as an ONNX graph that takes any number of texts of any length, and its int8 form."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import PreTrainedModel, PreTrainedTokenizerBase

# One longer than the other: with a mask of ones only, the exporter leaves the mask out of the graph.
EXAMPLES = ["A sentence to export the graph with.", "Two words"]


def to_onnx(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    inputs = dict(tokenizer(EXAMPLES, padding=True, return_tensors="pt"))
    free = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    program = torch.onnx.export(
        model,
        kwargs=inputs,
        input_names=list(inputs),
        output_names=["logits"],
        dynamic_shapes=dict.fromkeys(inputs, free),
        dynamo=True,
        verbose=False,
    )
    onnx.save(_without_traces(program.model_proto), path)


def to_int8(graph: Path, path: Path) -> None:
    """Weights as bytes; what flows through is measured anew for each batch, so no examples are needed."""
    quantize_dynamic(graph, path, weight_type=QuantType.QInt8)


def _without_traces(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The exporter notes the source lines of this machine in each node: nobody else can use them."""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.graph.metadata_props[:]
    return graph
