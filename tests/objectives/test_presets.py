"""Named methods are data that stays valid."""

import pytest
from pydantic import TypeAdapter

from limbeck.errors import RecipeError
from limbeck.objectives import MLM, AnyObjective, AttentionMSE, HiddenCosine, HiddenMSE, SoftLabels, preset
from limbeck.objectives.presets import preset_names

LIST = TypeAdapter(list[AnyObjective])
FIELDS = {
    "student", "freeze_embeddings", "objectives", "learning_rate", "betas", "eps", "weight_decay", "warmup",
    "schedule", "clip", "batch", "accumulate", "length", "masking",
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
