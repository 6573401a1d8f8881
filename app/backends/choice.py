"""Which files of a model serve, out of those there are: pure, by their names."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

# Ours (app/convert.py) and those of a model repository, the lighter first. Not fp16 or 4 bits: on a CPU they gain nothing.
INT8_GRAPHS = ("model_int8.onnx", "onnx/model_int8.onnx", "onnx/model_quantized.onnx")
GRAPHS = ("model.onnx", "onnx/model.onnx")
SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")
SMALL = (".json", ".txt", ".model")  # configuration, vocabulary

Kind = Literal["onnx", "transformers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    kind: Kind
    weights: tuple[str, ...]
    beside: tuple[str, ...]  # small files that belong to them

    @property
    def files(self) -> tuple[str, ...]:
        """The weights come last: where they are, the others are."""
        return self.beside + self.weights


def choose(names: Collection[str], kinds: Collection[Kind], *, quick_int8: bool) -> Choice | None:
    """ONNX first. `quick_int8`: the processor multiplies bytes as it should."""
    if "onnx" in kinds and (graph := _graph(names, quick_int8=quick_int8)):
        folder = graph.rpartition("/")[0]
        return Choice(
            kind="onnx", weights=(graph,), beside=_small(names, "") + (_small(names, folder) if folder else ())
        )
    if "transformers" in kinds and (weights := _weights(names)):
        return Choice(kind="transformers", weights=weights, beside=_small(names, ""))
    return None


def _graph(names: Collection[str], *, quick_int8: bool) -> str | None:
    order = INT8_GRAPHS + GRAPHS if quick_int8 else GRAPHS + INT8_GRAPHS
    return next((graph for graph in order if graph in names and _readable(graph, names)), None)


def _readable(graph: str, names: Collection[str]) -> bool:
    """Only this kind of tokenizer is read without transformers."""
    return "tokenizer.json" in names or f"{graph.rpartition('/')[0]}/tokenizer.json" in names


def _weights(names: Collection[str]) -> tuple[str, ...]:
    for whole in ("model.safetensors", "pytorch_model.bin"):
        if whole in names:
            return (whole,)
    shards = {name: int(found[1]) for name in sorted(names) if (found := SHARD.fullmatch(name))}
    return tuple(shards) if shards and len(shards) == next(iter(shards.values())) else ()


def _small(names: Collection[str], folder: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name.rpartition("/")[0] == folder and name.endswith(SMALL)))
