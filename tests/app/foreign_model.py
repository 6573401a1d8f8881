"""`foreign_model.py FOLDER`: a tiny RoBERTa with random weights that answers yes or no for each label, and its graph.

It prints what transformers' pipeline says of each text alone, and what the app's two backends say of them in one batch.
"""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForSequenceClassification, pipeline

from app.backends.onnx import OnnxModel
from app.backends.pytorch import TorchModel
from app.conversion.making import make

TEXTS = ["so glad", "so so glad and so so sad and glad and so sad", "sad", "glad glad glad sad sad sad"]
WORDS = ["<s>", "<pad>", "</s>", "<unk>", "so", "glad", "sad", "and"]

folder = Path(sys.argv[1])
words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))  # noqa: S106
words.pre_tokenizer = pre_tokenizers.Whitespace()
words.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=words,
    bos_token="<s>",  # noqa: S106
    pad_token="<pad>",  # noqa: S106
    eos_token="</s>",  # noqa: S106
    unk_token="<unk>",  # noqa: S106
    model_max_length=int(1e30),
    model_input_names=["input_ids", "attention_mask"],
)
torch.manual_seed(7)
config = RobertaConfig(
    vocab_size=len(WORDS),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=66,
    type_vocab_size=1,
    initializer_range=0.5,
    id2label={0: "joy", 1: "sadness", 2: "surprise"},
    label2id={"joy": 0, "sadness": 1, "surprise": 2},
    problem_type="multi_label_classification",
)
RobertaForSequenceClassification(config).eval().save_pretrained(folder / "whole")
tokenizer.save_pretrained(folder / "whole")
make(folder / "whole", folder / "made", TEXTS, {})
classify = pipeline("text-classification", model=str(folder / "whole"), top_k=None, device="cpu")
json.dump(
    {
        "alone": [{found["label"]: found["score"] for found in classify([text])[0]} for text in TEXTS],
        "torch": TorchModel(folder / "whole").scores(TEXTS),
        "onnx": OnnxModel(folder / "made/model.onnx").scores(TEXTS),
        "endless": OnnxModel(folder / "made/model.onnx").scores(["so glad " * 500]),
    },
    sys.stdout,
)
