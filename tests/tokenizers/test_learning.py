import hashlib
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from limbeck.errors import DataError, ModelError
from limbeck.tokenizers.families import ByteFamily, CharacterFamily, Family, UnigramFamily, WordPieceFamily
from limbeck.tokenizers.learning import learn

FAMILIES: dict[str, Family] = {
    "wordpiece": WordPieceFamily(lowercase=False),
    "byte_bpe": ByteFamily(),
    "character_bpe": CharacterFamily(),
    "unigram": UnigramFamily(),
}
CLASSES = {
    "wordpiece": "BertTokenizer",
    "byte_bpe": "RobertaTokenizer",
    "character_bpe": "HerbertTokenizer",
    "unigram": "XLMRobertaTokenizer",
}
TEXT = [
    "Zażółć gęślą jaźń, a potem idź do domu.",
    "Sjön är djup och älgen går över åkern.",
    "Der er 12 huse i byen; the house is old, and the houses are new.",
    "Houses, housing, housed: idziemy, idziesz, idą.",
] * 5
SIZE = 330

each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def _learn(family, texts=TEXT, size=SIZE, **changes):
    settings = {"characters": 1000, "min_frequency": family.min_seen, **changes}
    return learn(family.blank().backend_tokenizer.to_str(), lambda: iter(texts), size, **settings)


def _saved(blank, learnt, folder):
    blank.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(learnt, "utf-8")
    return AutoTokenizer.from_pretrained(folder)


@each_family
def test_it_loads_as_its_family_and_reads_as_it_was_trained(family, tmp_path):
    """A folder that AutoTokenizer reads in another way than the training did gives a model other words."""
    learnt = _learn(family)
    loaded, trained = _saved(family.blank(), learnt, tmp_path), Tokenizer.from_str(learnt)
    assert (type(loaded).__name__, loaded.is_fast) == (CLASSES[family.kind], True)
    assert len(loaded) == len(trained.get_vocab()) <= SIZE
    assert sorted(loaded.get_vocab().values()) == list(range(len(loaded)))
    assert loaded.special_tokens_map == family.blank().special_tokens_map
    for text in TEXT:
        encoded = loaded(text, "älgen idzie")["input_ids"]
        assert encoded == trained.encode(text, "älgen idzie").ids
        assert loaded.unk_token_id not in encoded
        assert (encoded[0], encoded[-1]) == (loaded.cls_token_id, loaded.sep_token_id)
        assert "".join(loaded.decode(loaded(text)["input_ids"], skip_special_tokens=True).split()) == text.replace(
            " ", ""
        )


def test_herbert_has_its_special_tokens_where_it_has_them(tmp_path):
    """HerBERT's class writes tokens 0 and 2 around a text, whatever stands there."""
    loaded = _saved(FAMILIES["character_bpe"].blank(), _learn(FAMILIES["character_bpe"]), tmp_path)
    assert loaded.convert_ids_to_tokens(range(5)) == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert loaded.convert_ids_to_tokens(loaded("jaźń")["input_ids"])[-2].endswith("</w>")
    assert loaded.model_max_length == 512


@each_family
def test_the_same_text_gives_the_same_bytes(family):
    """A tokenizer that differs from run to run makes every model after it another one."""
    assert len({_learn(family) for _ in range(8)}) == 1


def test_merges_that_are_equally_frequent_do_not_hang_on_chance():
    """The reproducer of the tokenizers library's issue 1794: four merges occur once each, and one is chosen."""
    family = WordPieceFamily(min_frequency=1)
    text = ["Wel come to the 🤗 Tok en izers libr ary."]
    assert len({_learn(family, text, 50) for _ in range(30)}) == 1


@settings(max_examples=40)
@given(st.lists(st.text("aåbcdeghiłoźń12", min_size=1, max_size=9), min_size=1, max_size=4).map(" ".join))
@pytest.mark.parametrize("kind", ["wordpiece", "character_bpe", "unigram"])
def test_every_word_of_known_characters_can_be_spelt(kind, text):
    """A letter that has no token for the end of a word makes names unknown that are made of plain letters."""
    if kind not in _TRAINED:
        _TRAINED[kind] = Tokenizer.from_str(_learn(FAMILIES[kind]))
    trained = _TRAINED[kind]
    assert not {"[UNK]", "<unk>"} & set(trained.encode(text).tokens)


_TRAINED: dict[str, Tokenizer] = {}


def test_a_model_s_own_is_trained_anew(kind, tmp_path):
    """A tokenizer retrained for a language that loses its class, or its special tokens, fits no model of its family."""
    size = 500 if kind.name == "roberta" else 200
    learnt = learn(kind.document, lambda: kind.polish, size, characters=100, min_frequency=2)
    again = _saved(kind.tokenizer, learnt, tmp_path)
    assert type(again) is type(kind.tokenizer)
    assert again.special_tokens_map == kind.tokenizer.special_tokens_map
    special = sorted(kind.tokenizer.all_special_ids)
    assert again.convert_ids_to_tokens(range(len(special))) == kind.tokenizer.convert_ids_to_tokens(special)
    assert learnt == learn(kind.document, lambda: kind.polish, size, characters=100, min_frequency=2)
    trained = Tokenizer.from_str(learnt)
    for text in kind.polish[:20]:
        assert again(text)["input_ids"] == trained.encode(text).ids
        assert len(again(text)["input_ids"]) <= len(kind.tokenizer(text)["input_ids"])


def test_capitals_and_accents(tmp_path):
    """A tokenizer that takes accents off where it was told not to makes other words of Swedish."""
    seen = {}
    for lowercase, strip in ((True, None), (True, False), (False, None)):
        family = WordPieceFamily(lowercase=lowercase, strip_accents=strip)
        folder = tmp_path / f"{lowercase}-{strip}"
        loaded = _saved(family.blank(), _learn(family), folder)
        seen[lowercase, strip] = loaded.decode(loaded("Sjön")["input_ids"], skip_special_tokens=True)
    assert seen == {(True, None): "sjon", (True, False): "sjön", (False, None): "Sjön"}


@pytest.mark.parametrize("kind", ["wordpiece", "character_bpe", "unigram"])
def test_the_rarest_characters_get_no_token(kind):
    """Web text has thousands of characters, seen once, that would take the vocabulary from words."""
    text = [*TEXT, "☃ 雪"]
    common = len({character for line in TEXT for character in line if not character.isspace()})
    trained = json.loads(_learn(FAMILIES[kind], text, characters=common))["model"]["vocab"]
    tokens = set(trained) if isinstance(trained, dict) else {token for token, _ in trained}
    spelt = {character for token in tokens for character in token}
    assert not {"☃", "雪"} & spelt
    assert {"a", "ź", "å"} <= spelt


@each_family
def test_a_vocabulary_too_small_for_the_characters_is_refused(family):
    """A tokenizer without its letters would call every word unknown."""
    with pytest.raises(DataError, match=r"vocabulary: 40 tokens are fewer than the \d+ that have to be: 5 special"):
        _learn(family, size=40)


@each_family
@pytest.mark.parametrize("texts", [[], ["", " \n\t"]])
def test_no_text_is_refused(family, texts):
    """An empty tokenizer fails far from here, in a training."""
    with pytest.raises(DataError, match="no text to train a tokenizer on"):
        _learn(family, texts)


@each_family
def test_little_text_gives_few_tokens(family):
    """A trainer that panics on a short text shows a user its insides."""
    vocabulary = Tokenizer.from_str(_learn(family, ["ab ab abc"], 400)).get_vocab()
    assert 5 < len(vocabulary) <= 300


def test_a_tokenizer_of_another_kind_is_refused():
    """Nothing says how a list of words would be learnt."""
    document = {"model": {"type": "WordLevel", "vocab": {"a": 0}}, "normalizer": None, "pre_tokenizer": None}
    with pytest.raises(ModelError, match="of type WordLevel cannot be trimmed or trained anew"):
        learn(json.dumps(document), lambda: TEXT, SIZE, characters=1000, min_frequency=2)


_AGAIN = """
import gzip, hashlib, sys
from limbeck.tokenizers.learning import learn
blank, text = open(sys.argv[1], encoding="utf-8").read(), gzip.open(sys.argv[2], "rt", encoding="utf-8")
lines = [line.strip() for line in text][:1200]
learnt = learn(blank, lambda: lines, 1500, characters=1000, min_frequency=2)
print(hashlib.sha256(learnt.encode()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("language", ["pl", "sv"])
@each_family
def test_neither_threads_nor_processes_matter(family, language, shared_data, tmp_path):
    """Hash tables differ from process to process and sums from thread to thread; a tokenizer must not."""
    blank = tmp_path / "blank.json"
    blank.write_text(family.blank().backend_tokenizer.to_str(), "utf-8")
    text = shared_data / "text" / f"{language}_eltec.txt.gz"
    command = [sys.executable, "-c", _AGAIN, str(blank), str(text)]
    found = {
        subprocess.run(
            command, env={**os.environ, "RAYON_NUM_THREADS": threads}, capture_output=True, text=True, check=True
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == hashlib.sha256().digest_size * 2
