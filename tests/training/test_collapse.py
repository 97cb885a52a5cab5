import pytest
from training_support import Tiny, TwoTerms, batch_of, batches, training

from limbeck.training.collapse import collapse, collapsed_since
from limbeck.training.fit import fit
from limbeck.training.history import History
from limbeck.workspace import Silent, Workspace


def _probes(*ranks: float, teacher: float | None = None) -> list[tuple[int, dict[str, float]]]:
    """One probe every ten updates."""
    beside = {} if teacher is None else {"teacher_effective_rank": teacher}
    return [(10 * n, {"effective_rank": rank, **beside}) for n, rank in enumerate(ranks)]


@pytest.mark.parametrize(
    ("probes", "since"),
    [
        ([], None),
        (_probes(80, 70, 60, 26, teacher=100), None),
        (_probes(80, 70, 24, 3, teacher=100), 20),
        (_probes(80, 2, 24, 30, teacher=100), None),  # recovered
        (_probes(80, 2, 30, 2, teacher=100), 30),
        (_probes(2, 2, 2, teacher=100), 0),  # never rose
        (_probes(40, 30, 11), None),  # without a teacher: a quarter of its own
        (_probes(40, 30, 9), 20),
        ([(10, {"gradient_norm/mlm": 1.0})], None),  # a training that has no probe
    ],
)
def test_since_when(probes, since):
    """A warning of what has passed, or of what never was, teaches people to read over warnings."""
    assert collapsed_since(probes) == since


def test_the_warning_says_what_is_wrong_and_what_the_loss_did():
    """A number without the one beside it that is right says nothing."""
    probes = _probes(80, 1.04, teacher=98.4)
    assert collapse(probes, 0.5, 0.25) == (
        "the model has collapsed (seen since update 10): its vectors of different sentences are nearly the same, of"
        " effective rank 1.0 (its teacher's: 98.4), although its loss fell from 0.5 to 0.25; lower the learning rate,"
        " or lengthen the warm-up"
    )
    alone = str(collapse(_probes(80, 1), 0.5, 0.5))
    assert "rank 1.0 (before the training: 80.0), and its loss went from 0.5 to 0.5" in alone
    assert collapse(_probes(80, 79, teacher=98.4), 0.5, 0.25) is None


def test_it_is_said_once_and_kept(tmp_path):
    """Said at every look it drowns the log; said only in the log it never reaches the report."""
    said: list[str] = []

    class Heard(Silent):
        def line(self, text: str) -> None:
            said.append(text.strip())

    ranks = iter([40.0, 39.0, 5.0, 4.0, 30.0, 29.0, 28.0, 3.0, 2.0, 1.0, 1.0])
    model = Tiny()
    history = fit(
        model, TwoTerms(model), batches, training(updates=10), 10, Workspace(tmp_path, display=Heard()),
        held_out=[batch_of(99)], probe=lambda _: {"effective_rank": next(ranks)},
    )  # fmt: skip
    assert len(said) == 2
    assert said[0].startswith("warning: the model has collapsed (seen since update 2)")
    assert said[1].startswith("warning: the model has collapsed (seen since update 7)")
    (kept,) = history.facts()["warnings"]
    assert "seen since update 7" in kept
    assert "effective rank 1.0" in kept


def test_a_healthy_training_says_nothing():
    """Facts of a good run that hold a warning would spoil its report."""
    history = History()
    history.add(1, 10, 0.1, {"loss": 1.0}, 0.1)
    for update, found in _probes(80, 70, 75, teacher=98.0):
        history.probed(update, found)
    assert history.news is None
    assert history.facts()["warnings"] == []
