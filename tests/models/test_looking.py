import pytest

from limbeck.models.costs import Work, training_outline
from limbeck.models.looking import Looks


def test_a_look_by_hand():
    """Ten looks at 128 sequences are 12 % of a training of 200 updates: a forecast without them is short by that."""
    fine_tuning = Looks(times=10, objectives=1)
    assert fine_tuning.flops(batch=16, ours=1, theirs=0, passes=3) == 10 * 16 * 3
    assert fine_tuning.flops(batch=16, ours=1, theirs=2, passes=1) == 10 * 16 * 3
    distilling = Looks(times=10, objectives=2, held_out=128, readings=1)
    each = 128 * (1 + 1 + 2) + 16 * (1 + 2 + 2 * 2)
    assert distilling.flops(batch=16, ours=1, theirs=2, passes=3) == 10 * each + 128 * (1 + 2)
    assert Looks(times=1, objectives=0, held_out=2, readings=1).flops(16, 1, 0, passes=3) == 2 * 2 + 2


def test_a_longer_training_is_looked_at_no_more_often(config_of):
    """Looks are some in number, so their share falls as the training grows; without them nothing is added."""
    config, looks = config_of("bert"), Looks(times=10, objectives=1, held_out=128, readings=1)
    short, long = (training_outline(config, Work(n, n * 160.0, 10, 40), 16, looks=looks).looking for n in (200, 2_000))
    assert short == pytest.approx(10 * long)
    assert short == pytest.approx((10 * (128 * 2 + 16 * 3) + 128) / (200 * 16 * 3))
    assert training_outline(config, Work(200, 32_000.0, 10, 40), 16).looking == 0
    assert training_outline(config, Work(None, None, 10, 40), 16, looks=looks).looking == 0
