"""Texts as JSON on stdin to scores as JSON on stdout, with onnxruntime and tokenizers alone: nothing of the app."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers

folder = Path(sys.argv[1])
labels = json.loads((folder / "config.json").read_text())["id2label"]
tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
session = onnxruntime.InferenceSession(folder / "model.onnx")
answers = []
for text in json.load(sys.stdin):
    ids = np.array([tokenizer.encode(text).ids])
    logits = session.run(["logits"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
    shares = np.exp(logits) / np.exp(logits).sum()
    answers.append({labels[str(index)]: float(share) for index, share in enumerate(shares)})
json.dump(answers, sys.stdout)
