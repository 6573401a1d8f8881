"""A small WordPiece tokenizer in the Hub's format, so that transformers and tokenizers both read it."""

# ruff: noqa: S106 - tokens of text, not secrets

from __future__ import annotations

from collections import Counter

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

MAX_TOKENS = 128
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ENDINGS = ["##s", "##es", "##d", "##ed", "##ing", "##er", "##est", "##ly", "##y", "##ness", "##ful", "##less"]


def make_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Every word of the texts is a token; any other is one of them with an ending, or unknown.

    The library's own trainer breaks ties differently in each run, which would make the model differ too.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.model = models.WordPiece(vocabulary(tokenizer, texts), unk_token="[UNK]")
    ends = [(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=MAX_TOKENS,
        model_input_names=["input_ids", "attention_mask"],
    )


def vocabulary(tokenizer: Tokenizer, texts: list[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for text in texts:
        pieces = tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))
        counts.update(word for word, _ in pieces)
    words = sorted(counts, key=lambda word: (-counts[word], word))
    return {token: index for index, token in enumerate([*SPECIAL, *ENDINGS, *words])}
