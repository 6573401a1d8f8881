"""The small files beside a model's weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..moods import Failure

LONGEST = 512  # tokens, when no limit is written or an absurd one: the Hub writes 1e30 for "none"

FAIRSEQ_PADDING = 1  # RoBERTa and its kin count a text's positions from the number after their padding's


def beside(weights: Path, name: str) -> Path:
    """A model repository has its graphs in a folder of their own, with or without the small files."""
    for folder in (weights.parent, weights.parent.parent):
        if (folder / name).is_file():
            return folder / name
    raise Failure("ModelUnusable", f"{name} is missing from the model.")


def longest(config: Path) -> int:
    """How many tokens of a text the model reads."""
    written = _number(_tokenizer(config), "model_max_length")
    model = read(config)
    positions = _number(model, "max_position_embeddings")
    if model.get("pad_token_id") == FAIRSEQ_PADDING:
        positions -= FAIRSEQ_PADDING + 1
    return int(min(written, positions, LONGEST))


def padding(config: Path) -> str:
    """The token that fills a short row; RoBERTa's has another number than BERT's, and a meaning for its positions."""
    written = _tokenizer(config).get("pad_token") or "[PAD]"
    return str(written.get("content") if isinstance(written, dict) else written)


def read(path: Path) -> dict[str, Any]:
    """Raises Failure for a file that holds no JSON object."""
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        contents = None
    if not isinstance(contents, dict):
        raise Failure("ModelUnusable", f"{path.name} of the model is missing or no JSON object: fetch the model anew.")
    return contents


def _number(contents: dict[str, Any], name: str) -> float:
    written = contents.get(name)
    return written if isinstance(written, int | float) and written > 0 else LONGEST


def _tokenizer(config: Path) -> dict[str, Any]:
    path = config.with_name("tokenizer_config.json")
    return read(path) if path.is_file() else {}
