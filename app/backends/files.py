"""The small files beside a model's weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..moods import Failure

LONGEST = 512  # tokens, when no limit is written or an absurd one: the Hub writes 1e30 for "none"


def longest(folder: Path, config: dict[str, Any]) -> int:
    """How many tokens of a text the model reads."""
    written = read(folder / "tokenizer_config.json").get("model_max_length", LONGEST)
    return int(min(written, config.get("max_position_embeddings", LONGEST), LONGEST))


def read(path: Path) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads(existing(path).read_text(encoding="utf-8"))
    return contents


def existing(path: Path) -> Path:
    if not path.is_file():
        raise Failure("ModelUnusable", f"{path.name} is missing from the model; try MODEL_BACKEND=transformers.")
    return path
