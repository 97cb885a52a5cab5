import json

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from limbeck.errors import DataError, ModelError
from limbeck.tokenizers.choosing import choose
from limbeck.tokenizers.comparing import SAMPLES, compare
from limbeck.tokenizers.counting import count_tokens
from limbeck.tokenizers.rewriting import trimmed

WORDS = ["[UNK]", "a", "##a", "b", "##b", "ab", "##c"]


def _word_piece(*words):
    backend = Tokenizer(models.WordPiece({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return backend


def test_counts_by_hand():
    """What is kept rests on these numbers alone."""
    found = count_tokens(["ab aab", "b", ""], _word_piece(*WORDS), 9)
    assert found.tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 0]
    with pytest.raises(DataError, match="no text to count tokens in"):
        count_tokens([""], _word_piece(*WORDS), 9)


def test_shares_by_hand():
    """The share of text that a trimming touches is what its user decides by."""
    original = _word_piece(*WORDS)
    kept = [0, 1, 2, 3, 4]
    result = compare(["a b", "ab b", "ac a zz", ""], original, _word_piece(*WORDS[:5]), kept, unknown=0)
    assert (result.texts, result.words, result.tokens, result.tokens_covered) == (4, 7, 8, 6)
    assert (result.texts_affected, result.words_affected, result.words_unknown) == (2, 2, 1)
    assert result.facts()["words_covered"] == pytest.approx(5 / 7)
    assert result.samples[1] == ([3], [3])
    assert result.sentence() == (
        "of 7 held-out words 28.6 % are cut otherwise than before (14.3 % became unknown), in 50 % of 4 paragraphs"
    )


@pytest.mark.parametrize("text", ["a ab", "a ab zz ac"])
def test_a_word_that_is_read_otherwise_stops_it(text):
    """A proof that passes whatever it is given proves nothing."""
    wrong = _word_piece("[UNK]", "a", "##a", "b", "ab", "##b")
    with pytest.raises(ModelError, match=r'reads ".*ab.*" as .*although all these tokens were kept; such a tokenizer'):
        compare([text], _word_piece(*WORDS), wrong, [0, 1, 2, 3, 4, 5])


def test_text_without_words_proves_nothing():
    """An empty comparison must not pass for a good one."""
    with pytest.raises(ModelError, match="has no word on which"):
        compare([" ", ""], _word_piece(*WORDS), _word_piece(*WORDS), range(7))


def test_samples_come_from_everywhere():
    """The first paragraphs of a corpus are of one document."""
    backend = _word_piece("[UNK]", *(chr(number) for number in range(97, 123)))
    texts = [chr(97 + number * 26 // 1000) for number in range(1000)]
    samples = compare(texts, backend, backend, range(27)).samples
    assert SAMPLES <= len(samples) < 2 * SAMPLES
    assert {new[0] for _, new in samples} == set(range(1, 27))


def test_every_kind_passes(kind):
    """The comparison has to hold where words of both languages, and unknown letters, stand side by side."""
    kept = choose(kind.document, [kind.counts(kind.swedish)], coverage=0.9).kept
    after = Tokenizer.from_str(trimmed(kind.document, kept))
    texts = [f"{one} {other} 語" for one, other in zip(kind.swedish, kind.polish, strict=True)]
    unknown = kind.tokenizer.unk_token_id
    result = compare(texts, kind.tokenizer.backend_tokenizer, after, kept, unknown=unknown)
    assert 0 < result.words_affected < result.words
    assert result.texts_affected == len(texts)
    assert (result.words_unknown > 0) == (kind.name != "roberta")
    assert result.tokens_covered == sum(
        int(np.isin(encoding.ids, kept).sum()) for encoding in kind.tokenizer.backend_tokenizer.encode_batch(texts)
    )
    assert json.loads(json.dumps(result.facts())) == result.facts()
