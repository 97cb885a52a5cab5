import pytest

from limbeck.config import Step
from limbeck.errors import RecipeError
from limbeck.models.layers import LayerChoice


def _choose(depth, **fields):
    return LayerChoice.parse(fields, "small.layers").chosen(depth)


@pytest.mark.parametrize(
    ("depth", "fields", "expected"),
    [
        (12, {"keep": 6}, [1, 2, 3, 4, 5, 6]),
        (12, {"keep": 6, "from": "bottom"}, [1, 2, 3, 4, 5, 6]),
        (12, {"keep": 6, "from": "top"}, [7, 8, 9, 10, 11, 12]),
        (12, {"keep": 6, "from": "every_other"}, [1, 3, 5, 7, 9, 11]),  # distilHerBERT: 0,2,4,6,8,10
        (12, {"keep": 6, "from": "spread"}, [1, 3, 5, 8, 10, 12]),  # DistilBERT: 0,2,4,7,9,11
        (6, {"keep": 3, "from": "spread"}, [1, 4, 6]),
        (12, {"keep": 2, "from": "spread"}, [1, 12]),
        (12, {"keep": 4, "from": "uniform"}, [3, 6, 9, 12]),  # TinyBERT
        (12, {"keep": 5, "from": "uniform"}, [2, 5, 7, 10, 12]),
        (12, {"keep": 1, "from": "spread"}, [1]),
        (12, {"keep": [1, 2, 12]}, [1, 2, 12]),
        (12, {"keep": "half", "from": "top"}, [7, 8, 9, 10, 11, 12]),
        (5, {"keep": "half"}, [1, 2, 3]),
        (3, {"keep": 2, "from": "every_other"}, [1, 3]),
    ],
)
def test_the_published_choices_come_out(depth, fields, expected):
    """A student of other layers than the paper's is another experiment under the same name."""
    assert _choose(depth, **fields) == expected


@pytest.mark.parametrize("depth", range(1, 25))
def test_spread_includes_both_ends_and_never_repeats(depth):
    """A rounding that repeats a layer makes a student of another depth than asked."""
    for keep in range(1, depth + 1):
        layers = _choose(depth, keep=keep, **{"from": "spread"})
        assert len(set(layers)) == keep
        assert layers == sorted(layers)
        assert layers[0] == 1
        assert keep == 1 or layers[-1] == depth


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keep": 0}, r'small\.layers\.keep: should be a number of layers, "half", or a list.*found 0'),
        ({"keep": True}, "found True"),
        ({"keep": "third"}, "found 'third'"),
        ({"keep": []}, r"found \[\]"),
        ({"keep": [0, 1]}, r"numbered from 1; found \[0, 1\]"),
        ({"keep": [1, 1, 2]}, r"once each, in ascending order; found \[1, 1, 2\]"),
        ({"keep": [2, 1]}, r"once each, in ascending order; found \[2, 1\]"),
        ({"keep": [1, 2], "from": "top"}, '"from" chooses layers and "keep" lists them already'),
        ({"keep": 2, "from": "middle"}, r"small\.layers\.from: .*'bottom', 'top'.*found 'middle'"),
        ({"keep": 2, "form": "top"}, r'unknown field "form"; did you mean "from"\?'),
        ({"keep": 2, "from_": "top"}, r'unknown field "from_"; did you mean "from"\?'),
        ({}, 'small.layers: the field "keep" is missing'),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused(fields, message):
    """A choice that is guessed at keeps layers nobody asked for."""
    with pytest.raises(RecipeError, match=message) as caught:
        _choose(12, **fields)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keep": 13}, '"bottom" can keep at most 12 of the model\'s 12 layers; found keep: 13'),
        ({"keep": 7, "from": "every_other"}, '"every_other" can keep at most 6'),
        ({"keep": [1, 13]}, "the model has layers 1 to 12; found 13"),
    ],
)
def test_more_layers_than_there_are_are_refused(fields, message):
    """Keeping fewer layers than asked, silently, gives a student of another size."""
    with pytest.raises(RecipeError, match=message):
        _choose(12, **fields)


def test_a_saved_choice_reads_back():
    """A resolved recipe that its own reader refuses cannot be run again."""

    class Holder(Step):
        layers: LayerChoice

    holder = Holder.parse({"do": "x", "layers": {"keep": 6, "from": "top"}}, "small")
    dumped = holder.model_dump(mode="json")
    assert dumped["layers"] == {"keep": 6, "from": "top"}
    assert Holder.parse(dumped, "small") == holder
