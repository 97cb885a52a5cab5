"""Named methods are data that stays valid."""

import pytest
from pydantic import TypeAdapter

from limbeck.errors import RecipeError
from limbeck.objectives import (
    MLM,
    AnyObjective,
    AttentionKL,
    AttentionMSE,
    HiddenCosine,
    HiddenMSE,
    RelationKL,
    SoftLabels,
    preset,
)
from limbeck.objectives.presets import preset_names

LIST = TypeAdapter(list[AnyObjective])
FIELDS = {
    "student", "freeze_embeddings", "freeze_unread", "objectives", "learning_rate", "betas", "eps", "weight_decay",
    "warmup", "schedule", "clip", "batch", "accumulate", "length", "masking",
}  # fmt: skip


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid(name):
    """A preset with a misspelt field fails on the day somebody needs it."""
    fields = preset(name)
    assert fields.keys() <= FIELDS
    assert LIST.validate_python(fields["objectives"])
    assert all(isinstance(fields[key], float) for key in ("learning_rate", "warmup"))


def test_lightmbert():
    """The paper matches the last pair only, and freezes the embeddings."""
    fields = preset("lightmbert")
    assert LIST.validate_python(fields["objectives"]) == [HiddenMSE(), AttentionMSE()]
    assert fields["freeze_embeddings"] is True
    assert fields["student"] == {"layers": {"keep": "half", "from": "bottom"}}


def test_distilbert():
    """The published weights 5, 2, 1, temperature 2 and rarity smoothing 0.7 are the method."""
    fields = preset("distilbert")
    expected = [SoftLabels(weight=5, temperature=2, positions="all"), MLM(weight=2), HiddenCosine()]
    assert LIST.validate_python(fields["objectives"]) == expected
    assert fields["student"]["as"] == "distilbert"
    assert fields["masking"] == {"probability": 0.15, "smoothing": 0.7}
    assert fields["eps"] == 1e-6


def test_unknown_name():
    """The nearest name saves a look into the documentation."""
    with pytest.raises(RecipeError, match='no method "lightbert"; did you mean "lightmbert"'):
        preset("lightbert")


def test_a_preset_is_a_copy():
    """A caller that changes what it was given must not change the method for the next one."""
    preset("lightmbert")["objectives"].clear()
    assert preset("lightmbert")["objectives"]


def test_tinybert():
    """The published stage reads every layer, the embeddings too, and scores before the softmax."""
    fields = preset("tinybert")
    expected = [AttentionMSE(of="scores", layers="uniform"), HiddenMSE(projection="linear", layers="uniform")]
    assert LIST.validate_python(fields["objectives"]) == expected
    assert fields["batch"] * fields["accumulate"] == 256


def test_minilm():
    """The value relations are what the paper adds to attention."""
    fields = preset("minilm")
    assert LIST.validate_python(fields["objectives"]) == [AttentionKL(), RelationKL(of="values")]
    assert fields["freeze_unread"] is True


def test_minilmv2():
    """Relations of one kind alone are another method, and 48 heads are a base model's."""
    fields = preset("minilmv2")
    expected = [RelationKL(of=name, heads=48) for name in ("queries", "keys", "values")]
    assert LIST.validate_python(fields["objectives"]) == expected
    assert fields["batch"] * fields["accumulate"] == 256
    assert fields["freeze_unread"] is True


def test_distilherbert():
    """Three equal terms at temperature 3, on masked tokens; the square of it is not left out."""
    fields = preset("distilherbert")
    soft, mlm, cosine = (LIST.validate_python(fields["objectives"])[place] for place in (1, 0, 2))
    assert (soft.temperature, soft.positions, soft.scaled) == (3, "selected", True)
    assert soft.weight == mlm.weight == cosine.weight
    assert fields["clip"] == 3.0
