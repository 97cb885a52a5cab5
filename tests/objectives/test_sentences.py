import pytest

from limbeck.objectives import MLM, AttentionMSE, HiddenMSE, SoftLabels
from limbeck.signals import Shape

SMALL, LARGE = Shape(3, 8, 2, 50, 40), Shape(6, 8, 2, 50, 40)


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        (MLM(weight=2), "2 x mlm"),
        (SoftLabels(weight=0.5), "0.5 x soft_labels (temperature 2, positions selected)"),
        (
            SoftLabels(temperature=3, scaled=False),
            "1 x soft_labels (temperature 3, not scaled by its square, positions selected)",
        ),
        (SoftLabels(loss="mse"), "1 x soft_labels (squared difference of logits, positions selected)"),
        (HiddenMSE(projection="linear"), "1 x hidden_mse (layer 3 like the teacher's 6, mapped from width 8 to 8)"),
        (MLM(weight={"from": 1, "to": 0, "until": 0.5}), "(1 to 0 after 50%) x mlm"),
        (AttentionMSE(), "1 x attention_mse (layer 3 like the teacher's 6)"),
        (
            HiddenMSE(layers=[(0, 0), (3, 6)]),
            "1 x hidden_mse (layer 0 like the teacher's 0, layer 3 like the teacher's 6)",
        ),
    ],
)
def test_a_term_in_words(objective, sentence):
    """What a preset leaves to defaults is what its reader wants to know."""
    assert objective.sentence(SMALL, LARGE) == sentence
