import numpy as np
import pytest

import tiny_tokenizers
from limbeck.errors import ModelError
from limbeck.tasks.masked_text.encoding import IGNORED, encode_passages, hide_in_turn, hide_together
from limbeck.tasks.masked_text.passages import passages_of

LINES = [
    "The quick house, over there, paints (slowly) many old gardens.",
    "Ärliga människor säljer blommor på Kungsgatan 12-14 i Örebro, sa hon.",
    "d'Artagnan's well-known e-mail: mac@kil.org — never “always” again…",
]


@pytest.fixture(scope="module")
def passages():
    """One for each line."""
    found = passages_of(["\n".join(LINES)], longest=40, most=9, seed=0)
    assert len(found) == 3
    return sorted(found, key=lambda passage: LINES.index(passage.text))


@pytest.mark.parametrize("kind", tiny_tokenizers.KINDS)
def test_hidden_tokens_are_those_of_the_words(kind, passages):
    """A piece of a word that stays in sight gives the rest away, and one of its neighbour's is not asked for."""
    tokenizer = tiny_tokenizers.KINDS[kind](LINES * 20, 300)
    for number, (passage, encoded) in enumerate(zip(passages, encode_passages(passages, tokenizer, 400), strict=True)):
        plain = tokenizer(passage.text)["input_ids"]
        assert encoded.input_ids.tolist() == plain
        assert encoded.known.all()
        for word, (start, end) in enumerate(passage.words):
            cloze = hide_together(number, encoded, np.array([word]), tokenizer.mask_token_id)
            hidden = cloze.labels != IGNORED
            assert (cloze.inputs[hidden] == tokenizer.mask_token_id).all()
            assert (cloze.inputs[~hidden] == encoded.input_ids[~hidden]).all()
            assert (cloze.labels[hidden] == encoded.input_ids[hidden]).all()
            said = tokenizer.decode(encoded.input_ids[hidden]).replace(" ", "")
            assert said == tokenizer.decode(
                tokenizer(passage.text[start:end])["input_ids"], skip_special_tokens=True
            ).replace(" ", "")


def test_a_word_is_hidden_from_each_of_its_tokens_on(passages):
    """With the word's later pieces in sight a long name is easier than a short word (Kauf and Ivanova, 2023)."""
    tokenizer = tiny_tokenizers.bert(["a b"] * 3 + LINES, 70)
    encoded = encode_passages(passages, tokenizer, 400)[0]
    word = int(np.argmax(np.bincount(encoded.words[encoded.words >= 0])))
    places = np.flatnonzero(encoded.words == word)
    assert len(places) > 2
    clozes = list(hide_in_turn(0, encoded, np.array([word]), tokenizer.mask_token_id))
    assert len(clozes) == len(places)
    for at, cloze in enumerate(clozes):
        assert np.flatnonzero(cloze.labels != IGNORED).tolist() == [places[at]]
        assert np.flatnonzero(cloze.inputs == tokenizer.mask_token_id).tolist() == places[at:].tolist()


def test_words_with_unknown_characters_are_not_known(passages):
    """A vocabulary without them is sure of [UNK], which is no word."""
    tokenizer = tiny_tokenizers.bert([LINES[0]] * 5, 200)
    encoded = encode_passages(passages, tokenizer, 400)
    assert encoded[0].known.all()
    words = [LINES[1][start:end] for start, end in passages[1].words]
    unknown = {word for word, known in zip(words, encoded[1].known, strict=True) if not known}
    assert {"Ärliga", "Örebro,", "12-14"} <= unknown


def test_a_passage_that_does_not_fit_is_left_out(passages):
    """A model that reads half of it would be asked with less context than the others."""
    tokenizer = tiny_tokenizers.bert(LINES * 5, 200)
    lengths = [len(each.input_ids) for each in encode_passages(passages, tokenizer, 400)]
    assert encode_passages(passages, tokenizer, min(lengths))[int(np.argmax(lengths))] is None


def test_a_model_that_cannot_be_asked_is_named(passages):
    """Without a mask token nothing can be hidden."""
    tokenizer = tiny_tokenizers.bert(LINES, 200)
    tokenizer.mask_token = None
    with pytest.raises(ModelError, match="has no mask token, so no words can be hidden"):
        encode_passages(passages, tokenizer, 400)
