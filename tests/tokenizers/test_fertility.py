import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from limbeck.errors import DataError
from limbeck.tokenizers.fertility import measure, words_of

TOKENS = ["[UNK]", "the", "un", "##know", "##n", "cat", "s", "##s", ",", "."]


@pytest.fixture
def pieces():
    """WordPiece with ten tokens."""
    made = Tokenizer(models.WordPiece({token: n for n, token in enumerate(TOKENS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def test_by_hand(pieces):
    """Counts that nobody has checked on paper describe nothing."""
    text = ["The unknown cats, the Zebra."]  # the | un know n | cat s | , | the | [UNK] | .
    facts = measure(text, pieces, unknown=0).facts()
    assert facts["words"] == 5
    assert facts["tokens_per_word"] == pytest.approx((1 + 3 + 2 + 1 + 1) / 5)
    assert facts["words_split"] == pytest.approx(2 / 5)
    assert facts["words_known"] == pytest.approx(4 / 5)
    assert facts["characters_known"] == pytest.approx(1 - 5 / 24)
    assert facts["characters_per_token"] == pytest.approx(24 / 10)


def test_words_have_letters_or_digits():
    """Punctuation counted as words flatters every tokenizer."""
    text = "Åsa's 2nd try -- (so far)!"
    assert [text[a:b] for a, b in words_of(text)] == ["Åsa", "s", "2nd", "try", "so", "far"]


def test_other_texts_in_between_change_nothing(pieces, kind):
    """Texts are counted one by one: a batch that leaks into another would shift every share."""
    tokenizer, unknown = kind.tokenizer.backend_tokenizer, kind.tokenizer.unk_token_id
    one, two = (measure(texts, tokenizer, unknown=unknown) for texts in (kind.swedish, kind.polish))
    both = measure([*kind.swedish, "", *kind.polish], tokenizer, unknown=unknown)
    assert vars(both) == {name: value + vars(two)[name] for name, value in vars(one).items()}


def test_tokens_of_words_are_those_that_a_word_alone_has(kind):
    """Counted over a text or word by word, a language costs the same."""
    tokenizer = kind.tokenizer.backend_tokenizer
    for text in kind.polish[:20]:
        words = [text[start:end] for start, end in words_of(text)]
        space = "" if kind.name in ("bert", "herbert") else " "
        alone = [tokenizer.encode(space + word, add_special_tokens=False).tokens for word in words]
        visible = [[token for token in tokens if token.strip("▁Ġ")] for tokens in alone]
        if kind.name in ("bert", "herbert"):
            assert measure([text], tokenizer, unknown=None).tokens_of_words == sum(map(len, visible))
        else:  # the text's first word and its full stop may be cut otherwise than words between spaces
            inner = measure([" " + " ".join(words)], tokenizer, unknown=None)
            assert inner.tokens_of_words == sum(map(len, visible))


@given(st.text(max_size=60))
def test_any_text_gives_shares(text):
    """A combining mark or a control character at an odd place must not make a share of 1.2."""
    tokenizer = Tokenizer(models.WordPiece({token: n for n, token in enumerate(TOKENS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    facts = measure([text, "the cat"], tokenizer, unknown=0).facts()
    assert all(0 <= facts[name] <= 1 for name in ("words_split", "words_known", "characters_known"))


def test_text_without_a_word_is_refused(pieces):
    """A division by no words is no fertility."""
    with pytest.raises(DataError, match="no word by which tokenizers could be compared"):
        measure(["--", ""], pieces, unknown=0)
