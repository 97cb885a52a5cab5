import pytest

from limbeck.config import references
from limbeck.errors import RecipeError
from limbeck.tokenizers.trimming import Trimming


def _parsed(**fields):
    return Trimming.parse(fields, "vocabulary")


def test_one_corpus_or_several():
    """A step that does not rest on all its corpora is not made anew when one changes."""
    assert [str(ref) for ref in references(_parsed(corpus="@sv", keep=9))] == ["@sv"]
    both = _parsed(corpus=["@sv", "@en"], keep=9)
    assert [str(ref) for ref in references(both)] == both.corpora == ["@sv", "@en"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"keep_coverage": 0.9999}, "keeps the tokens that make up 99.99 % of @sv and @en"),
        ({"keep": 30_000}, "keeps the 30,000 most frequent tokens of @sv and @en"),
        ({"megabytes": 40}, "keeps the most frequent tokens of @sv and @en that fit into 40 MB"),
    ],
)
def test_sentences(fields, sentence):
    """`plan` prints them; a wrong one is believed."""
    assert _parsed(corpus=["@sv", "@en"], **fields).sentence() == sentence


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"corpus": "@sv"}, "one of keep_coverage, keep, megabytes says how many tokens stay; found none"),
        ({"corpus": "@sv", "keep": 5, "megabytes": 5}, "found keep and megabytes"),
        ({"corpus": "sv.txt", "keep": 5}, "'sv.txt' should refer to an earlier step"),
        ({"corpus": [], "keep": 5}, "at least 1 item"),
        ({"corpus": "@sv", "keep": 0}, r"vocabulary\.keep: .*greater than or equal to 1; found 0"),
        ({"corpus": "@sv", "keep_coverage": 99.9}, r"keep_coverage: .*less than or equal to 1; found 99.9"),
        ({"corpus": "@sv", "kep": 5}, 'unknown field "kep"; did you mean "keep"'),
        ({"keep": 5}, 'the field "corpus" is missing'),
    ],
)
def test_what_means_nothing_is_refused(fields, message):
    """Two amounts that disagree would be resolved in silence."""
    with pytest.raises(RecipeError, match=message):
        _parsed(**fields)
