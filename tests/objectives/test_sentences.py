import pytest

from limbeck.objectives import MLM, AttentionMSE, HiddenMSE, SoftLabels
from limbeck.signals import Shape

SMALL, LARGE = Shape(3, 8, 2, 50, 40), Shape(6, 8, 2, 50, 40)


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        (MLM(weight=2), "2 x mlm"),
        (SoftLabels(weight=0.5), "0.5 x soft_labels (loss kl, temperature 2.0, positions selected)"),
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
