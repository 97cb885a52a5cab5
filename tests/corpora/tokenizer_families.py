"""One tokenizer of each family, trained on the spot, and where words begin in each by another rule than ours."""

from collections.abc import Callable, Sequence

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def _wordpiece(size: int) -> tuple[Tokenizer, trainers.Trainer]:
    """As in BERT: what goes on with a word begins with ##."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    return made, trainers.WordPieceTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False)


def _byte_level(size: int) -> tuple[Tokenizer, trainers.Trainer]:
    """As in RoBERTa and ModernBERT: a word has the space before it."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return made, trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )


def _characters(size: int) -> tuple[Tokenizer, trainers.Trainer]:
    """As in HerBERT: the last piece of a word ends in </w>."""
    made = Tokenizer(models.BPE(unk_token="[UNK]", end_of_word_suffix="</w>"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.BertPreTokenizer(), decoders.BPEDecoder(suffix="</w>")
    return made, trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, end_of_word_suffix="</w>", show_progress=False
    )


def _unigram(size: int) -> tuple[Tokenizer, trainers.Trainer]:
    """As in XLM-RoBERTa: a word begins with ▁."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    made.decoder = decoders.Metaspace()
    return made, trainers.UnigramTrainer(
        vocab_size=size, special_tokens=SPECIAL, unk_token="[UNK]", show_progress=False
    )


FAMILIES: dict[str, Callable[[int], tuple[Tokenizer, trainers.Trainer]]] = {
    "WordPiece": _wordpiece,
    "byte-level BPE": _byte_level,
    "character BPE": _characters,
    "Unigram": _unigram,
}


def train(family: str, texts: Sequence[str], size: int = 200) -> PreTrainedTokenizerFast:
    """A tokenizer of the family with about `size` tokens, and the special tokens of BERT."""
    made, trainer = FAMILIES[family](size)
    made.train_from_iterator(texts, trainer)
    return wrapped(made)


def unsplit(texts: Sequence[str], size: int = 80) -> PreTrainedTokenizerFast:
    """Unigram over whole lines, as some SentencePiece models are converted: a line has one word id."""
    made, trainer = _unigram(size)
    made.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    made.train_from_iterator(texts, trainer)
    return wrapped(made)


def wrapped(made: Tokenizer) -> PreTrainedTokenizerFast:
    """A tokenizer with the special tokens of BERT around every text."""
    marks = [(mark, made.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")}
    return PreTrainedTokenizerFast(tokenizer_object=made, **special)


def starts_of(tokenizer: PreTrainedTokenizerFast, text: str) -> list[bool]:
    """Where words begin, special tokens left out: the letters of the tokens are counted against those of the words.

    The text must not have anything that the tokenizer does not know.
    """
    backend = tokenizer.backend_tokenizer
    normal = backend.normalizer.normalize_str(text) if backend.normalizer else text
    words = [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal)]
    borders = {0, *np.cumsum([len(word) for word in words]).tolist()}
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"])
    bare = [token.removesuffix("</w>").removeprefix("##") for token in tokens]
    places = np.cumsum([0, *(len(token) for token in bare)]).tolist()
    assert places[-1] == sum(len(word) for word in words), "a token is unknown"
    return [place in borders for place in places[:-1]]
