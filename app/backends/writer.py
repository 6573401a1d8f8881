"""A small instruct model on this machine that writes positive thoughts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ..moods import Failure
from ..thoughts import bounded, clean, messages
from .pytorch import DEVICE

TOKENS = 80  # one or two sentences
PATIENCE = timedelta(seconds=20)  # for all of them, on a slow machine


class Writer:
    """One at a time. Raises Failure for a directory that holds no language model."""

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        except Exception:  # noqa: BLE001 - of every library below it; their texts list urls and local paths
            raise Failure(
                "ModelUnusable", "LOCAL_THOUGHT_MODEL: transformers cannot load it as a language model."
            ) from None
        self._model = model.eval().to(DEVICE)

    @torch.inference_mode()
    def thought(self, feeling: str | None) -> str:
        """For the reader; empty when the model found no words for one."""
        asked = self._tokenizer(self._prompt(feeling), add_special_tokens=False, return_tensors="pt").to(DEVICE)
        written = self._model.generate(
            input_ids=asked["input_ids"],
            attention_mask=asked["attention_mask"],
            max_new_tokens=TOKENS,
            max_time=PATIENCE.total_seconds(),
            do_sample=True,
            temperature=0.7,
            top_p=0.9,
            repetition_penalty=1.1,
            pad_token_id=self._tokenizer.eos_token_id,
        )
        new = written[0, asked["input_ids"].shape[1] :]
        return bounded(clean(self._tokenizer.decode(new, skip_special_tokens=True)))

    def _prompt(self, feeling: str | None) -> str:
        said = messages(feeling)
        if self._tokenizer.chat_template is None:
            return "\n\n".join(message["content"] for message in said) + "\n\n"
        prompt: str = self._tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
        return prompt
