import numpy as np
import pytest

from limbeck.corpora.masking import Masking, ShareSchedule, SpanUnit, TokenUnit, WordUnit
from limbeck.errors import RecipeError


def masking(**fields: object) -> Masking:
    """As a recipe would give it."""
    return Masking.parse(fields, "masking")


def test_shares_add_up_to_one() -> None:
    """Shares that do not add up leave it open what happens to the rest."""
    with pytest.raises(RecipeError, match=r"mask \+ random \+ keep should be 1; found 1\.1"):
        masking(mask=0.9)


def test_a_unit_is_a_name_or_spelt_out() -> None:
    """A short form that means something else than the long one is two ways to do a thing."""
    assert masking().unit == TokenUnit()
    assert masking(unit="word").unit == masking(unit={"kind": "word"}).unit == WordUnit()
    assert masking(unit="span") == masking(unit={"kind": "span", "stop": 0.2, "longest": 10})


def test_a_share_is_a_number_or_a_schedule() -> None:
    """A schedule that starts or ends elsewhere than it says trains at another rate."""
    falling = masking(probability={"from": 0.3, "to": 0.15})
    assert falling.probability == ShareSchedule.model_validate({"from": 0.3, "to": 0.15})
    assert [falling.share(progress) for progress in (0.0, 0.5, 1.0, 1.7)] == pytest.approx([0.3, 0.225, 0.15, 0.15])
    assert falling.mean_share == pytest.approx(0.225)
    assert masking(probability=0.2).share(0.7) == masking(probability=0.2).mean_share == 0.2
    assert falling.model_dump(mode="json")["probability"] == {"from": 0.3, "to": 0.15, "until": 1.0}
    early = masking(probability={"from": 0.3, "to": 0.15, "until": 0.5})
    assert early.share(0.5) == early.share(1.0) == 0.15
    assert early.mean_share == pytest.approx(0.1875)
    assert "0.3 falling to 0.15 of the tokens after 50% of the updates, " in early.sentence()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"probability": 1.5}, r"masking\.probability: input should be less than 1; found 1\.5$"),
        ({"probability": "often"}, r"masking\.probability: .*number.*found 'often'$"),
        ({"probability": {"from": 0.3}}, r'masking\.probability: the field "to" is missing$'),
        (
            {"probability": {"from": 0.3, "to": 0}},
            r"masking\.probability\.to: input should be greater than 0; found 0$",
        ),
        ({"unit": "words"}, r'masking\.unit: unknown kind "words"; did you mean "word"\?$'),
        ({"unit": {"kind": "span", "length": 3}}, r'unknown field "length"'),
        ({"unit": {"kind": "span", "stop": 0}}, r"masking\.unit\.stop: input should be greater than 0; found 0$"),
    ],
)
def test_a_mistake_is_one_sentence(fields: dict[str, object], sentence: str) -> None:
    """A union that answers with every alternative it tried leaves the reader to guess which was meant."""
    with pytest.raises(RecipeError, match=sentence) as refused:
        masking(**fields)
    assert len(str(refused.value).splitlines()) == 1


def test_spans_are_as_long_as_published() -> None:
    """SpanBERT, section 3.1: geometric with p = 0.2, at most 10 words, mean 3.8."""
    lengths = SpanUnit().lengths(20_000, np.random.default_rng(0))
    assert lengths is not None
    assert (lengths.min(), lengths.max()) == (1, 10)
    assert lengths.mean() == pytest.approx(3.797, abs=0.05)
    assert (lengths == 1).mean() == pytest.approx(0.2 / (1 - 0.8**10), abs=0.01)
    single = SpanUnit(stop=1.0).lengths(50, np.random.default_rng(0))
    assert single is not None
    assert set(single.tolist()) == {1}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "masking: 0.15 of the tokens, single tokens; of these 80% hidden, 10% replaced, 10% left"),
        ({"unit": "word", "smoothing": 0.7}, "whole words, rare ones first (count to the power of -0.7); of these"),
        (
            {"unit": "span", "probability": {"from": 0.3, "to": 0.15}},
            "0.3 falling to 0.15 of the tokens, spans of 3.8 whole words on average; of these",
        ),
        ({"probability": {"from": 0.1, "to": 0.2}}, "masking: 0.1 rising to 0.2 of the tokens"),
    ],
)
def test_it_is_told_in_words(fields: dict[str, object], sentence: str) -> None:
    """What a preset filled in is not seen in the recipe."""
    assert sentence in masking(**fields).sentence()
