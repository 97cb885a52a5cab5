from limbeck.benchmarks.timing import interleave


class FakeClock:
    """Time that passes only when somebody spends it."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def spender(self, *seconds, log=None, name=""):
        """A call that takes these times in turn, the last one for ever."""
        left = list(seconds)

        def call():
            self.now += left.pop(0) if len(left) > 1 else left[0]
            if log is not None:
                log.append(name)

        return call


def test_models_take_turns():
    """Timing one model after the other credits a slow minute of the machine to one of them."""
    clock, log = FakeClock(), []
    calls = {name: clock.spender(1.0, log=log, name=name) for name in "ab"}
    interleave(calls, rounds=4, seconds=1000.0, clock=clock)
    rounds = [set(log[i : i + 2]) for i in range(0, len(log), 2)]
    assert rounds == [{"a", "b"}] * 5
    assert log[2] == "b"
    assert log[4] == "a"


def test_the_first_round_warms_up():
    """A first call that allocates memory and picks kernels is no measurement of the model."""
    clock = FakeClock()
    taken = interleave({"a": clock.spender(9.0, 1.0)}, rounds=3, seconds=1000.0, clock=clock)
    assert taken == {"a": [1.0, 1.0, 1.0]}


def test_rounds_shrink_to_the_time_but_not_below_three():
    """A benchmark of long sequences that ignores its budget eats the ten minutes of a quickstart."""
    clock = FakeClock()
    taken = interleave({"a": clock.spender(1.0)}, rounds=100, seconds=10.0, clock=clock)
    assert len(taken["a"]) == 9
    assert clock.now <= 110.0
    taken = interleave({"a": clock.spender(50.0)}, rounds=100, seconds=10.0, clock=clock)
    assert taken == {"a": [50.0] * 3}
