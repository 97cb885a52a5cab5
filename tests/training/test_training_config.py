import pytest
from training_support import training

from limbeck.errors import RecipeError
from limbeck.training.config import Training


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"updates": 3, "epochs": 1}, "give either `updates` or `epochs`; found both"),
        ({}, "give either `updates` or `epochs`; found neither"),
        ({"updates": 0}, "updates: input should be greater than or equal to 1; found 0"),
        ({"epochs": 0}, "epochs: input should be greater than 0; found 0"),
        ({"epochs": float("inf")}, "epochs: input should be a finite number; found inf"),
        ({"updates": 3, "warmup": 1.0}, "warmup: input should be less than 1; found 1.0"),
        ({"updates": 3, "betas": [0.9, 1.0]}, "betas.1: input should be less than 1; found 1.0"),
        ({"updates": 3, "learning_rate": 0}, "learning_rate: input should be greater than 0; found 0"),
        ({"updates": 3, "schedule": "liner"}, "schedule: input should be 'linear', 'cosine' or 'constant'; found"),
        ({"updates": 3, "learnin_rate": 1}, 'unknown field "learnin_rate"; did you mean "learning_rate"?'),
    ],
)
def test_settings_that_cannot_work_are_refused_before_a_model_loads(fields, sentence):
    """Found an hour later, a wrong setting costs an hour."""
    with pytest.raises(RecipeError) as caught:
        Training.parse(fields, "student")
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("student")


@pytest.mark.parametrize(
    ("fields", "batches", "planned"),
    [
        ({"updates": 7}, 100, 7),
        ({"updates": None, "epochs": 1}, 100, 100),
        ({"updates": None, "epochs": 3, "accumulate": 4}, 10, 8),
        ({"updates": None, "epochs": 0.5}, 11, 6),
        ({"updates": None, "epochs": 0.01}, 10, 1),
    ],
)
def test_length(fields, batches, planned):
    """Arms of a comparison that are trained for different numbers of updates are not compared."""
    assert training(**fields).planned_updates(batches) == planned


def test_the_settings_in_words():
    """`plan` prints what a method filled in; a wrong number there is believed."""
    said = Training(updates=3, learning_rate=3e-4, warmup=0.05, batch=5, accumulate=50, clip=5).sentence()
    assert said == (
        "AdamW at 0.0003, linear after 5% warm-up, weight decay 0.01, betas 0.9 and 0.999, clip 5;"
        " 50 x 5 sequences an update"
    )
