"""A training that was cut off and continued ends with the bytes of one that was not."""

import os
import signal

import pytest
import torch
from training_support import Tiny, TwoTerms, batches, broken_off, training, weights

from limbeck.errors import Interrupted
from limbeck.interrupts import interruptible
from limbeck.training import checkpoints
from limbeck.training.fit import fit
from limbeck.workspace import Workspace

UPDATES = 8


class Killed(BaseException):
    """Stands for a process that ends without another word."""


def _die() -> None:
    raise Killed


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _run(folder, made=batches, seconds=0.0, **changes):
    """One process's life: a new model, as a stage would load it, and the loop."""
    torch.manual_seed(os.getpid())  # whatever was drawn before must not matter
    out = Workspace(folder)
    out.checkpoint_seconds = seconds
    model = Tiny()
    history = fit(model, TwoTerms(model), made, training(**changes), UPDATES, out, seed=3)
    return weights(model), history


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_killed_between_updates(tmp_path, precision, schedule):
    """A resumed run that is only similar makes every comparison between runs depend on luck."""
    settings = {"precision": precision, "schedule": schedule, "weight_decay": 0.1}
    unbroken, _ = _run(tmp_path / "a", **settings)
    with pytest.raises(Killed):
        _run(tmp_path / "b", broken_off(6, _die), **settings)
    continued, _ = _run(tmp_path / "b", **settings)
    assert continued == unbroken


@pytest.mark.parametrize("at", [1, 2, UPDATES])
def test_killed_anywhere(tmp_path, at):
    """The first and the last update are where a counter is off by one."""
    unbroken, _ = _run(tmp_path / "a")
    with pytest.raises(Killed):
        _run(tmp_path / "b", broken_off(at, _die))
    assert _run(tmp_path / "b")[0] == unbroken


def test_this_test_would_notice_a_forgotten_optimiser(tmp_path, monkeypatch):
    """A comparison of bytes that passes whatever is restored proves nothing."""
    unbroken, _ = _run(tmp_path / "a")
    with pytest.raises(Killed):
        _run(tmp_path / "b", broken_off(6, _die))
    monkeypatch.setattr(checkpoints, "_load_moments", lambda *_: None)
    assert _run(tmp_path / "b")[0] != unbroken


def test_updates_after_the_last_checkpoint_are_done_again(tmp_path):
    """A minute's work may be lost, but not change what comes out."""
    unbroken, _ = _run(tmp_path / "a")
    with interruptible(), pytest.raises(Interrupted):
        _run(tmp_path / "b", broken_off(3, _terminate), seconds=1e9)
    with pytest.raises(Killed):
        _run(tmp_path / "b", broken_off(7, _die), seconds=1e9)
    asked: list[int] = []

    def made(update):
        asked.append(update)
        return batches(update)

    assert _run(tmp_path / "b", made, seconds=1e9)[0] == unbroken
    assert asked == [4, 5, 6, 7, 8]


def test_sigterm_finishes_the_update_saves_and_stops(tmp_path):
    """A scheduler that takes the machine away gives seconds, not the hours since the last checkpoint."""
    unbroken, _ = _run(tmp_path / "a")
    with interruptible(), pytest.raises(Interrupted) as caught:
        _run(tmp_path / "b", broken_off(5, _terminate), seconds=1e9)
    assert caught.value.exit_code == 143
    kept = [path.name for path in (tmp_path / "b" / ".scratch" / "checkpoints" / "training").iterdir()]
    assert kept == ["update-000000005"]
    assert _run(tmp_path / "b")[0] == unbroken


def test_a_signal_during_the_last_update_is_not_swallowed(tmp_path):
    """Ctrl-C that has no effect is pressed twice, and the second time it hurts."""
    with interruptible(), pytest.raises(Interrupted):
        _run(tmp_path / "b", broken_off(UPDATES, _terminate), seconds=1e9)
    unbroken, _ = _run(tmp_path / "a")
    assert _run(tmp_path / "b")[0] == unbroken


def test_a_second_signal_does_not_wait(tmp_path):
    """An update may take minutes; whoever insists is obeyed, and the next run still continues."""

    def twice() -> None:
        _terminate()
        os.kill(os.getpid(), signal.SIGINT)

    with interruptible(), pytest.raises(Interrupted) as caught:
        _run(tmp_path / "b", broken_off(5, twice))
    assert caught.value.exit_code == 130
    assert _run(tmp_path / "b")[0] == _run(tmp_path / "a")[0]


@pytest.mark.parametrize("where", ["save_file", "flush", "write_json"])
def test_killed_while_saving(tmp_path, monkeypatch, where):
    """Half a checkpoint under its final name would be continued from."""
    unbroken, _ = _run(tmp_path / "a")
    with pytest.raises(Killed):
        _run(tmp_path / "b", broken_off(4, _die))

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, where, die)
        with pytest.raises(Killed):
            _run(tmp_path / "b")
    assert (tmp_path / "b" / ".scratch" / "checkpoints" / "training" / ".partial").is_dir()
    assert _run(tmp_path / "b")[0] == unbroken


def test_the_learning_curve_is_continued_too(tmp_path):
    """A curve with a hole, or with updates counted twice, misreports cost and loss."""
    _, unbroken = _run(tmp_path / "a")
    with pytest.raises(Killed):
        _run(tmp_path / "b", broken_off(5, _die))
    _, continued = _run(tmp_path / "b")
    assert continued.rows == unbroken.rows
    assert continued.tokens == unbroken.tokens


def test_a_finished_training_is_not_begun_again(tmp_path):
    """After the loop a step still evaluates and saves; cut off there, it should not train anew."""
    done, _ = _run(tmp_path / "a")

    def never(update):
        raise AssertionError(update)

    again, history = _run(tmp_path / "a", never)
    assert again == done
    assert history.updates == UPDATES


def test_two_trainings_of_one_step_keep_apart(tmp_path):
    """The second seed of a fine-tuning must not continue the first one's weights."""
    out = Workspace(tmp_path)
    out.checkpoint_seconds = 0
    first, second = Tiny(1), Tiny(2)
    fit(first, TwoTerms(first), batches, training(), 2, out, label="seed 1")
    history = fit(second, TwoTerms(second), batches, training(), 2, out, label="seed 2")
    assert len(history.rows) == 2
    assert weights(first) != weights(second)
