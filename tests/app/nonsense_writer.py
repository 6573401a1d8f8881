"""`nonsense_writer.py FOLDER`: two tiny language models with random weights. `talks` says words of ours without sense; `silent` nothing."""

import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from app.training.corpus import sentences
from app.training.tokens import make_tokenizer

torch.manual_seed(7)
folder = Path(sys.argv[1])
tokenizer = make_tokenizer([example.text for example in sentences()])
tokenizer.eos_token = "[SEP]"  # noqa: S105
tokenizer.chat_template = "{% for message in messages %}{{ message.content }} [SEP] {% endfor %}"
config = LlamaConfig(
    vocab_size=len(tokenizer),
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    eos_token_id=tokenizer.eos_token_id,
)
model = LlamaForCausalLM(config)
model.generation_config.suppress_tokens = [0, 1, 2, 3, 4]  # only words
for name in ("talks", "silent"):
    model.save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / name)
    model.generation_config.suppress_tokens = [
        index for index in range(len(tokenizer)) if index != tokenizer.eos_token_id
    ]
