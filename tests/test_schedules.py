import pytest
from pydantic import ValidationError

from limbeck.schedules import Schedule


def test_a_schedule_by_hand():
    """A weight that fades over the wrong half of a training trains another model."""
    fading = Schedule.model_validate({"from": 4, "to": 1, "until": 0.5})
    assert [fading.at(progress) for progress in (0, 0.25, 0.5, 0.75, 1)] == [4, 2.5, 1, 1, 1]
    assert fading.after == " after 50%"
    throughout = Schedule.model_validate({"from": 0.3, "to": 0.1})
    assert throughout.at(0.5) == pytest.approx(0.2)
    assert throughout.after == ""


@pytest.mark.parametrize("until", [1.0, 0.5, 0.1])
def test_the_mean_is_that_of_the_way(until):
    """A forecast of the masked words of a training is off where the mean is that of the two ends."""
    schedule = Schedule.model_validate({"from": 0.4, "to": 0.1, "until": until})
    steps = [schedule.at((n + 0.5) / 1000) for n in range(1000)]
    assert schedule.mean == pytest.approx(sum(steps) / 1000, rel=1e-3)


@pytest.mark.parametrize("until", [0, 1.5])
def test_when_it_ends_is_within_the_training(until):
    """A schedule that ends after the training never becomes what the recipe says."""
    with pytest.raises(ValidationError, match="until"):
        Schedule.model_validate({"from": 0.4, "to": 0.1, "until": until})
