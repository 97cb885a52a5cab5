"""Tokenizers of every kind, trained in a moment, with the classes and special tokens of the models they stand for."""

import json
from collections.abc import Callable, Sequence

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AlbertTokenizer,
    BertTokenizer,
    DebertaV2Tokenizer,
    HerbertTokenizer,
    PreTrainedTokenizerBase,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

_ENDS = ["<s>", "<pad>", "</s>", "<unk>"]
"""RoBERTa's, HerBERT's and XLM-R's first four."""


def bert(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """WordPiece laid out like mBERT's: special tokens in the middle, behind unused ones."""
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", *(f"[unused{number}]" for number in range(1, 10)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    backend.train_from_iterator(texts, trainer)
    return BertTokenizer(vocab=backend.get_vocab(), do_lower_case=False, strip_accents=False)


def roberta(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """Byte-level BPE; the mask is the last token."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1, special_tokens=_ENDS, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(texts, trainer)
    return RobertaTokenizer(**_vocabulary_and_merges(backend))


def herbert(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """BPE of characters, `</w>` at the end of a word."""
    backend = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=[*_ENDS, "<mask>"], end_of_word_suffix="</w>", show_progress=False
    )
    backend.train_from_iterator(texts, trainer)
    return HerbertTokenizer(**_vocabulary_and_merges(backend))


def xlm_roberta(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """Unigram over words that begin with a mark; the mask is the last token."""
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    backend.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=size - 1, special_tokens=_ENDS, unk_token="<unk>", show_progress=False)
    backend.train_from_iterator(texts, trainer)
    return XLMRobertaTokenizer(vocab=[*_pieces(backend), ("<mask>", 0.0)])


def deberta(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """Unigram with a mask that was added to it."""
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    trainer = trainers.UnigramTrainer(
        vocab_size=size - 1, special_tokens=special, unk_token="[UNK]", show_progress=False
    )
    backend.train_from_iterator(texts, trainer)
    return DebertaV2Tokenizer(vocab=_pieces(backend), unk_id=3)


def albert(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """Unigram of lower case without accents; the special tokens come first."""
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    special = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False)
    backend.train_from_iterator(texts, trainer)
    return AlbertTokenizer(vocab=_pieces(backend))


KINDS: dict[str, Callable[[Sequence[str], int], PreTrainedTokenizerBase]] = {
    "bert": bert,
    "roberta": roberta,
    "herbert": herbert,
    "xlm-roberta": xlm_roberta,
    "deberta": deberta,
    "albert": albert,
}


def _vocabulary_and_merges(backend: Tokenizer) -> dict[str, object]:
    model = _model(backend)
    return {"vocab": model["vocab"], "merges": [tuple(pair) for pair in model["merges"]]}


def _pieces(backend: Tokenizer) -> list[tuple[str, float]]:
    """With scores of few digits: longer ones change when read from JSON, and then "..." is cut otherwise."""
    return [(token, round(score, 6)) for token, score in _model(backend)["vocab"]]


def _model(backend: Tokenizer) -> dict[str, object]:
    model: dict[str, object] = json.loads(backend.to_str())["model"]
    return model
