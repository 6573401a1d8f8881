"""What the numbers that come out of a classification model mean, by its config.json."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class Outputs:
    def __init__(self, config: dict[str, Any]) -> None:
        labels = config["id2label"]
        self._labels = [str(labels[str(index)]) for index in range(len(labels))]
        # Such a model answers yes or no for each label, independent of the others; transformers' pipeline does the same.
        self._independent = config.get("problem_type") == "multi_label_classification" or len(labels) == 1

    def scores(self, logits: npt.NDArray[np.float32]) -> list[dict[str, float]]:
        """For each row, the share of each label: 0 to 1."""
        if self._independent:
            shares = 1 / (1 + np.exp(-logits))
        else:
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares = weights / weights.sum(axis=1, keepdims=True)
        return [dict(zip(self._labels, row, strict=True)) for row in shares.tolist()]
