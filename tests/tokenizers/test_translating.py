import pytest

from limbeck.errors import ModelError
from limbeck.tokenizers.translating import translated
from tiny_tokenizers import KINDS

TEXTS = ["the little house by the river", "a house of stone, a river of words", "Anna flög från Åre till Kraków"] * 4
OTHER = ["the river house was little", "words of stone and of Anna", "Kraków och Åre i vinter"] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_in_its_own_tokens(kind):
    """A token that is itself, and starts as another, forgets what the model knew of it."""
    tokenizer = KINDS[kind](TEXTS, 150)
    pieces = translated(tokenizer, tokenizer)
    assert pieces == [[number] for number in range(len(tokenizer))]


@pytest.mark.parametrize("new", KINDS)
@pytest.mark.parametrize("old", KINDS)
def test_between_any_two(new, old):
    """A tokenizer of another family writes its words otherwise; their letters are the same."""
    ours, theirs = KINDS[new](OTHER, 150), KINDS[old](TEXTS, 150)
    pieces = translated(ours, theirs)
    assert len(pieces) == len(ours)
    roles = [(ours.pad_token_id, theirs.pad_token_id), (ours.mask_token_id, theirs.mask_token_id)]
    assert all(pieces[here] == [there] for here, there in roles)
    found = ours("river")["input_ids"]
    spelt = [number for token in found if token not in ours.all_special_ids for number in pieces[token]]
    assert "river" in theirs.decode(spelt, clean_up_tokenization_spaces=False).replace(" ", "")


def test_places_in_a_word_by_hand():
    """`##er` and `er` are different rows: one ends words, the other begins them."""
    old = KINDS["bert"](TEXTS, 200)
    new = KINDS["bert"](TEXTS, 150)
    pieces = translated(new, old)
    for token in ("##r", "r", "river"):
        assert pieces[new.get_vocab()[token]] == [old.get_vocab()[token]], token


def test_gaps_are_refused():
    """Rows that no token has would be trained by nothing, and the file would be larger for it."""
    tokenizer = KINDS["bert"](TEXTS, 150)

    class Gaps:
        def get_vocab(self):
            return {"a": 0, "b": 2}

    with pytest.raises(ModelError, match="numbers of the new tokenizer's 2 tokens have gaps"):
        translated(Gaps(), tokenizer)
