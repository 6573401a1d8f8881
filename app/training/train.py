"""Trains the tiny mood model that the app ships, in both formats, from the sentences beside this file.

    python -m app.training.train app/model

Needs requirements/convert.txt. Same seed, same versions, same processor
family: same files. The accuracy it prints and writes to manifest.json is counted on held_out.txt, which it never trains on.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedTokenizerFast

from .corpus import MOODS, Example, held_out, sentences, vocabulary
from .export import export
from .tokens import MAX_TOKENS, SPECIAL, make_tokenizer

SEED = 2024
EPOCHS = 15
BATCH = 32
UNKNOWN_RATE = 0.2  # of the words in training are hidden: people write words that the sentences never used


def main(target: Path) -> None:
    # One thread: sums in one order, so that the same seed gives the same weights.
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    examples = sentences() + vocabulary()
    tokenizer = make_tokenizer([example.text for example in examples])
    model = fit(new_model(len(tokenizer)), tokenizer, examples)
    unseen = held_out()
    right = sum(predict(model, tokenizer, example.text) == example.mood for example in unseen)
    sys.stdout.write(f"held-out accuracy: {right}/{len(unseen)} = {right / len(unseen):.1%}\n")
    export(model, tokenizer, target, facts={"seed": SEED, "heldOut": {"sentences": len(unseen), "right": right}})


def new_model(words: int) -> DistilBertForSequenceClassification:
    labels = dict(enumerate(MOODS))
    config = DistilBertConfig(
        vocab_size=words,
        max_position_embeddings=MAX_TOKENS,
        dim=48,
        hidden_dim=96,
        n_layers=2,
        n_heads=4,
        dropout=0.2,
        seq_classif_dropout=0.3,
        id2label=labels,
        label2id={label: index for index, label in labels.items()},
    )
    return DistilBertForSequenceClassification(config)


def fit(
    model: DistilBertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, examples: list[Example]
) -> DistilBertForSequenceClassification:
    chance = random.Random(SEED)  # noqa: S311 - the same order in each run is the point
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    steps = EPOCHS * math.ceil(len(examples) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=steps)
    model.train()
    for _ in range(EPOCHS):
        shuffled = chance.sample(examples, len(examples))
        for start in range(0, len(shuffled), BATCH):
            model(**encode(tokenizer, shuffled[start : start + BATCH])).loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return model.eval()


def encode(tokenizer: PreTrainedTokenizerFast, batch: list[Example]) -> dict[str, torch.Tensor]:
    """Token ids with some words hidden, and the moods as `labels`."""
    inputs = tokenizer([example.text for example in batch], padding=True, return_tensors="pt")
    ids = inputs["input_ids"]
    hidden = (torch.rand(ids.shape) < UNKNOWN_RATE) & (ids >= len(SPECIAL))
    moods = torch.tensor([MOODS.index(example.mood) for example in batch])
    return {
        "input_ids": ids.masked_fill(hidden, tokenizer.unk_token_id),
        "attention_mask": inputs["attention_mask"],
        "labels": moods,
    }


@torch.inference_mode()
def predict(model: DistilBertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, text: str) -> str:
    return MOODS[model(**tokenizer(text, return_tensors="pt")).logits.argmax().item()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
