import numpy as np
import pytest

from limbeck.corpora.first_update import Look, check_first_update
from limbeck.corpora.masked import Sample
from limbeck.corpora.masks import MaskVocabulary
from limbeck.errors import DataError

VOCABULARY = MaskVocabulary(4, np.arange(20) >= 5, np.ones(20, dtype=bool), unknown=1)


def _sample(tokens: list[int], predicted: list[int], starts: list[int] | None = None) -> Sample:
    tokens_T = np.array(tokens)
    labels_T = np.full(len(tokens), -100)
    labels_T[predicted] = tokens_T[predicted]
    starts_T = None if starts is None else np.isin(np.arange(len(tokens)), starts)
    return Sample(tokens_T, tokens_T, labels_T, starts_T)


def test_a_look_says_what_there_is() -> None:
    """Words of one token each, where they should have pieces, are seen here."""
    samples = [_sample([2, 7, 8, 9, 3], [1, 2], [0, 1, 3, 4]), _sample([2, 7, 1, 9, 3], [3], [0, 1, 2, 3, 4])]
    look = check_first_update(samples, VOCABULARY, 0.5)
    assert look == Look(tokens=6, predicted=3, words=2)
    assert look.sentence() == "the first update predicts 3 of 6 tokens, 2 whole words"
    assert check_first_update([_sample([2, 7, 8, 3], [1])], VOCABULARY, 0.5).sentence().endswith("1 of 2 tokens")


def test_nothing_to_predict_is_refused() -> None:
    """A training without a single prediction ends as well as it began."""
    with pytest.raises(DataError, match=r"predicts 0 of 2 tokens, and masking asks for 0\.15 of them; make the batch"):
        check_first_update([_sample([2, 7, 8, 3], [])], VOCABULARY, 0.15)


def test_a_word_in_part_is_refused() -> None:
    """The one thing that whole-word masking promises."""
    samples = [_sample([2, 7, 8, 9, 3], [2, 3], [0, 1, 3, 4])]
    with pytest.raises(DataError, match=r"2 of 3 tokens, 1 whole words, and 1 words in part: their borders do not"):
        check_first_update(samples, VOCABULARY, 0.5)


def test_far_fewer_than_asked_is_refused() -> None:
    """A tokenizer of another language leaves little but [UNK], and hours pass on what is left."""
    samples = [_sample([2, *[1] * 18, 7, 3], [19]) for _ in range(12)]
    with pytest.raises(DataError, match=r"12 of 228 tokens, and masking asks for 0\.2 of them; 216 are unknown to the"):
        check_first_update(samples, VOCABULARY, 0.2)
    check_first_update(samples[:7], VOCABULARY, 0.2)  # so few may differ by chance
