import torch

from limbeck.training.history import History
from limbeck.training.rehearsal import UPDATES, tokens_per_second


def test_the_first_update_is_not_timed():
    """Memory is first touched and kernels are chosen in it; counted, it would double the forecast."""
    asked: list[int] = []

    def train(batches, updates):
        asked.append(updates)
        history = History()
        for update in range(1, updates + 1):
            (batch,) = batches(update)
            assert batch.input_ids.shape == (4, 32)
            assert int(batch.input_ids.max()) < 50
            assert batch.labels is not None
            labelled = batch.labels[batch.labels != -100]
            assert 0 < len(labelled) < 80
            assert int(labelled.max()) < 7
            history.add(update, batch.tokens, 0.1, {"loss": 1.0}, 4.0 if len(asked) == 1 else 0.5)
        return history

    speed = tokens_per_second(train, vocabulary=50, batch=4, length=32, classes=7, labelled=0.3)
    assert asked == [1, UPDATES]
    assert speed == 4 * 32 / 0.5


def test_there_is_always_something_to_learn():
    """At a small share of labels a batch could have none, and the gradient audit would stop the forecast."""

    def train(batches, updates):
        history = History()
        for update in range(1, updates + 1):
            (batch,) = batches(update)
            assert bool((batch.labels != -100).any())
            history.add(update, batch.tokens, 0.1, {"loss": 1.0}, 1.0)
        return history

    state = torch.get_rng_state()
    tokens_per_second(train, vocabulary=5, batch=1, length=4, classes=2, labelled=0.0)
    assert torch.equal(state, torch.get_rng_state())


def test_a_large_model_is_measured_in_one_update():
    """A forecast that takes minutes is not asked for."""
    asked: list[int] = []

    def train(batches, updates):
        asked.append(updates)
        history = History()
        history.add(1, batches(1)[0].tokens, 0.1, {"loss": 1.0}, 16.0)
        return history

    assert tokens_per_second(train, vocabulary=5, batch=4, length=32, classes=2, labelled=0.5) == 8
    assert asked == [1]


def test_the_generator_is_left_alone():
    """Whether a plan was made before would decide what a run draws."""

    def train(batches, updates):
        torch.manual_seed(1)
        history = History()
        history.add(1, 4, 0.1, {"loss": 1.0}, 1.0)
        return history

    state = torch.get_rng_state()
    tokens_per_second(train, vocabulary=5, batch=1, length=4, classes=2, labelled=0.5)
    assert torch.equal(state, torch.get_rng_state())
