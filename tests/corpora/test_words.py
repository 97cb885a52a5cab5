import random

import numpy as np
import pytest
from tokenizer_families import FAMILIES, starts_of, train, unsplit
from transformers import BertTokenizerLegacy, PreTrainedTokenizerFast

from limbeck.corpora.words import check_words, require_word_ids, word_starts
from limbeck.errors import ModelError

POLISH = [
    "Zażółć gęślą jaźń, a potem przyszła jesień: liście spadały, wiatr wiał.",
    "Na drugim brzegu stał dom; w domu mieszkała (jak mówiono) stara nauczycielka.",
    "Czy widziałeś, jak rzeka płynie? Nie widziałem - odpowiedział rybak.",
]
SWEDISH = [
    "Älven rann förbi gården, och på åkern växte korn och råg.",
    "Han frågade: var är skolläraren? Hon har gått till sjön, svarade flickan.",
    "Det var en gång (för länge sedan) en båtbyggare som bodde vid ån.",
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("texts", [POLISH, SWEDISH], ids=["Polish", "Swedish"])
def test_words_begin_where_they_do(family: str, texts: list[str]) -> None:
    """A rule made for ## finds no word in a tokenizer that marks them otherwise, and masks pieces for weeks."""
    tokenizer = train(family, texts, size=300 if family == "byte-level BPE" else 80)
    encoded = tokenizer(texts, add_special_tokens=False)
    for index, text in enumerate(texts):
        starts_T = word_starts(encoded, index)
        assert starts_T.tolist() == starts_of(tokenizer, text)
        assert len(text.split()) <= starts_T.sum() < len(starts_T)


def _checked(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> None:
    encoded = tokenizer(texts, add_special_tokens=False)
    check_words(texts, [word_starts(encoded, index) for index in range(len(texts))])


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_accepted(family: str) -> None:
    """A check that refuses what is right is switched off."""
    _checked(train(family, POLISH, size=80), POLISH)


def test_lines_that_pass_for_words_are_refused() -> None:
    """Whole lines would be hidden, one in seven, and nothing would be left to predict them from."""
    with pytest.raises(ModelError, match=r"cuts \d+ tokens into 3 words, and spaces cut their text into 33; it takes"):
        _checked(unsplit(POLISH), POLISH)


def test_text_without_spaces_is_refused_where_nothing_else_parts_it() -> None:
    """A Chinese paragraph is one word to a tokenizer that splits at spaces."""
    letters = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面"
    texts = ["".join(random.Random(seed).choices(letters, k=60)) for seed in range(20)]
    tokenizer = train("Unigram", texts, size=60)
    with pytest.raises(ModelError, match=r"into 20 words, and spaces cut their text into 20; it takes whole lines"):
        _checked(tokenizer, texts)


def test_a_tokenizer_without_word_ids_is_refused(tmp_path) -> None:
    """An error about `word_ids` in the middle of tokenising says nothing about masking."""
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    with pytest.raises(ModelError, match=r"BertTokenizerLegacy does not tell .* set masking\.unit: token"):
        require_word_ids(BertTokenizerLegacy(tmp_path / "vocab.txt"))


def test_tokens_of_no_word_stand_alone() -> None:
    """Two tokens that belong to no word are not one word."""

    class Encoded:
        def word_ids(self, index: int) -> list[int | None]:
            return [None, 0, 0, None, None, 1]

    starts_T = word_starts(Encoded(), 0)
    assert np.flatnonzero(starts_T).tolist() == [0, 1, 3, 4, 5]
