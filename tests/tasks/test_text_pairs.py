import pytest

import tiny_tokenizers
from limbeck.errors import DataError, ModelError
from limbeck.tasks.sentence_pairs import ELSEWHERE, FOLLOWS, WORDS, encode_pairs, pair_batch, text_pairs

TEXTS = ["\n".join(f"d{document} p{place} x" for place in range(4)) for document in range(6)]


def _pairs(**fields):
    return text_pairs([*TEXTS, "one paragraph alone"], **{"most": 99, "seed": 3, **fields})


def test_half_follow_and_half_come_from_another_document():
    """A second text of the same document that does not follow is told by another sign, or by none."""
    pairs = _pairs()
    assert [pair.label for pair in pairs] == [FOLLOWS, ELSEWHERE] * 9
    for first, second, label in pairs:
        (document, place, _), (other, where, _) = first.split(), second.split()
        if label == FOLLOWS:
            assert (other, int(where[1:])) == (document, int(place[1:]) + 1)
        else:
            assert other != document


def test_the_draw_is_a_function_of_seed_and_text():
    """Models are compared over pairs that have to be the same."""
    assert _pairs(most=6) == _pairs(most=6)
    assert _pairs(most=6) != _pairs(most=6, seed=4)
    assert {pair.first for pair in _pairs(most=6)} < {pair.first for pair in _pairs()}


def test_long_paragraphs_are_cut_away_from_where_they_meet():
    """What stands between two texts tells most of whether they belong together."""
    long = "\n".join(" ".join(f"{name}{place}" for place in range(2 * WORDS)) for name in "ab")
    pair = next(each for each in text_pairs([long, TEXTS[0]], most=9, seed=0) if each.first.startswith("a"))
    assert pair.first.split() == [f"a{place}" for place in range(WORDS, 2 * WORDS)]


def test_one_document_is_too_few():
    """There would be no other document for the pairs that do not follow."""
    with pytest.raises(DataError, match=r"two documents of at least two paragraphs are needed, .* has 1; keep"):
        text_pairs([TEXTS[0], "alone"], most=9, seed=0)


def test_batches():
    """Token types are all that tells a model which text is the second."""
    tokenizer = tiny_tokenizers.bert(TEXTS, 80)
    encoded = encode_pairs(_pairs(most=4), tokenizer, 10)
    batch = pair_batch(encoded, int(tokenizer.pad_token_id))
    for row, (ids, types) in enumerate(encoded):
        assert batch.input_ids[row, : len(ids)].tolist() == ids
        assert batch.token_types[row, : len(ids)].tolist() == types
        assert len(ids) <= 10
        assert int(batch.attention_mask[row].sum()) == len(ids)
        assert ids[types.index(1) - 1] == tokenizer.sep_token_id


def test_a_tokenizer_of_one_type_is_refused():
    """A model that sees one text where there are two judges nothing."""
    with pytest.raises(ModelError, match="does not tell the second text of a pair from the first"):
        encode_pairs(_pairs(), tiny_tokenizers.roberta(TEXTS, 300), 40)
