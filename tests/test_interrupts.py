import os
import signal

import pytest

from limbeck.errors import Interrupted
from limbeck.interrupts import deferred, interruptible, requested


def _send(*numbers: int) -> None:
    """Sends the signals to ourselves; returns if none of them is raised."""
    for number in numbers:
        os.kill(os.getpid(), number)


def _stop(*numbers: int) -> None:
    """Sends the signals; one of them has to be raised."""
    _send(*numbers)
    raise AssertionError("still running")


@pytest.fixture(autouse=True)
def _handlers_are_as_before():
    """Ctrl-C must work again in whatever called us."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert requested() is None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_raised_at_once(number, code):
    """Whoever presses Ctrl-C while a corpus is read should not wait for its end."""
    with interruptible(), pytest.raises(Interrupted) as caught:
        _stop(number)
    assert caught.value.exit_code == code


def test_an_interruption_is_no_ordinary_error():
    """A file reader that skips over bad files with `except Exception` must not skip over Ctrl-C."""
    assert not issubclass(Interrupted, Exception)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_waits_for_the_update(number):
    """Raised inside an update, it would leave weights and optimiser of two different moments."""
    seen: list[int | None] = []
    with interruptible(), pytest.raises(Interrupted), deferred():
        seen += [requested(), _send(number), requested()]
    assert seen == [None, None, number]


def test_the_second_signal_does_not_wait():
    """Somebody who presses Ctrl-C twice means it."""
    with interruptible(), pytest.raises(Interrupted) as caught, deferred():
        _stop(signal.SIGTERM, signal.SIGINT)
    assert caught.value.exit_code == 130


def test_a_signal_nobody_asked_about_is_raised_at_the_end():
    """One that comes between the last question and the end of the training would be lost."""
    with interruptible(), pytest.raises(Interrupted) as caught, deferred():
        _send(signal.SIGTERM)
    assert caught.value.exit_code == 143


def test_an_error_is_not_hidden_by_a_signal():
    """A training that failed should say why, also when somebody lost patience with it."""

    def fail() -> None:
        _send(signal.SIGTERM)
        raise ZeroDivisionError

    with interruptible(), pytest.raises(ZeroDivisionError), deferred():
        fail()


def test_a_second_training_starts_with_no_signal():
    """A signal of the last training must not stop the next one."""
    with interruptible():
        with pytest.raises(Interrupted), deferred():
            _send(signal.SIGTERM)
        with deferred():
            assert requested() is None


def test_signals_are_raised_again_after_a_training():
    """A step goes on after its training: it evaluates and saves."""
    with interruptible():
        with deferred():
            pass
        with pytest.raises(Interrupted):
            _send(signal.SIGINT)


@pytest.fixture
def ctrl_c():
    """Python's own handler, which a process started in the background of a script does not get."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_handlers_are_restored_after_an_error(ctrl_c):
    """A notebook whose run failed still has its own Ctrl-C."""
    with pytest.raises(ZeroDivisionError), interruptible():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is ctrl_c
    with pytest.raises(KeyboardInterrupt):
        _send(signal.SIGINT)
