"""Texts as JSON on stdin to scores as JSON on stdout, with transformers' own pipeline: nothing of the app."""

import json
import sys

from transformers import pipeline

classify = pipeline("text-classification", model=sys.argv[1], top_k=None, device="cpu")
answers = [{found["label"]: found["score"] for found in classify([text])[0]} for text in json.load(sys.stdin)]
json.dump(answers, sys.stdout)
