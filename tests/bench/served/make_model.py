"""`make_model.py FOLDER`: a DistilBERT of the usual size with random weights, its int8 form, and 256 texts. With requirements/convert.txt."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from app.conversion.making import make
from app.training.corpus import sentences
from app.training.tokens import make_tokenizer

TEXTS = 256
WORDS = (2.6, 0.6)  # of the log-normal distribution of their lengths: mean about 22 tokens, some beyond 80
LABELS = {0: "NEGATIVE", 1: "POSITIVE"}

folder = Path(sys.argv[1])
torch.manual_seed(7)
chance = random.Random(7)  # noqa: S311
corpus = [example.text for example in sentences()]
texts = []
for _ in range(TEXTS):
    wanted, text = chance.lognormvariate(*WORDS), chance.choice(corpus)
    while len(text.split()) < wanted:
        text += " " + chance.choice(corpus)
    texts.append(text)
tokenizer = make_tokenizer(corpus)
tokenizer.model_max_length = 512
model = DistilBertForSequenceClassification(DistilBertConfig(id2label=LABELS, label2id={"NEGATIVE": 0, "POSITIVE": 1}))
model.save_pretrained(folder / "whole")
tokenizer.save_pretrained(folder / "whole")
verdict = make(folder / "whole", folder / "onnx", texts[:50], {"made": "by the bench, with random weights"})
(folder / "onnx/model.onnx").unlink()
tokens = [len(tokenizer(text)["input_ids"]) for text in texts]
about = f"{model.num_parameters() / 1e6:.0f} M parameters; {TEXTS} texts, {sum(tokens) / TEXTS:.1f} tokens on average, {max(tokens)} at most; int8 {verdict}"
(folder / "texts.json").write_text(json.dumps({"about": about, "texts": texts}))
