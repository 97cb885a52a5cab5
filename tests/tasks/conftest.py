import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = [
    "Anna Andersson flög från Åre till Kraków i går.",
    "Call foo_bar.baz() of the class Baz, not of os.path.join!",
    "The 3.14 release... was late; see numpy and pandas.",
    "Żółw 東京 naïve café 🙂 e\u0301",
] * 4


@pytest.fixture(scope="session", params=["wordpiece", "bytes", "bytes untrimmed", "metaspace"])
def tokenizer(request) -> PreTrainedTokenizerFast:
    """One tokenizer of each family."""
    return make_tokenizer(request.param)


@pytest.fixture(scope="session")
def wordpiece() -> PreTrainedTokenizerFast:
    """A tokenizer whose pieces can be told by their `##`."""
    return make_tokenizer("wordpiece")


def make_tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """A trained tokenizer of a few dozen pieces, so that words break into many of them."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pad, unknown, first, last, mask = special
    if kind == "wordpiece":
        made = Tokenizer(models.WordPiece(unk_token=unknown))
        made.normalizer = normalizers.BertNormalizer(lowercase=True)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False)
    elif kind == "metaspace":
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        made.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token=unknown, show_progress=False)
    else:
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=300,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    made.train_from_iterator(TEXTS, trainer)
    ids = [(token, made.token_to_id(token)) for token in (first, last)]
    template = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ids)
    if kind.startswith("bytes"):
        trimmed = processors.ByteLevel(trim_offsets="untrimmed" not in kind)
        made.post_processor = processors.Sequence([trimmed, template])
    else:
        made.post_processor = template
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token=pad, unk_token=unknown, cls_token=first, sep_token=last, mask_token=mask
    )
