"""What the numbers that come out of a classification model mean, by its config.json."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..moods import Failure


class Outputs:
    """Raises Failure for a config.json that names no labels, or another number of them than the model has."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._labels = _labels(config)
        # Such a model answers yes or no for each label, independent of the others; transformers' pipeline does the same.
        self._independent = config.get("problem_type") == "multi_label_classification" or len(self._labels) == 1

    def scores(self, logits: npt.NDArray[np.float32]) -> list[dict[str, float]]:
        """For each row, the share of each label: 0 to 1."""
        if logits.ndim != 2 or logits.shape[1] != len(self._labels):  # noqa: PLR2004 - texts and labels
            raise Failure(
                "ModelUnusable",
                f"config.json of the model names {len(self._labels)} labels (id2label), and its weights tell other numbers: "
                "take both from one text-classification model.",
            )
        if self._independent:
            shares = 1 / (1 + np.exp(-logits))
        else:
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares = weights / weights.sum(axis=1, keepdims=True)
        return [dict(zip(self._labels, row, strict=True)) for row in shares.tolist()]


def _labels(config: dict[str, Any]) -> list[str]:
    try:
        named = config["id2label"]
        return [str(named[str(index)]) for index in range(len(named))]
    except (KeyError, TypeError):
        raise Failure(
            "ModelUnusable",
            'config.json of the model names no labels: it needs "id2label": {"0": ..., "1": ...}, as every '
            "text-classification model has.",
        ) from None
