import pytest

from limbeck.benchmarks.cells import mixed, uniform
from limbeck.benchmarks.rows import ratio_rows, ratio_sentences, speed_rows
from limbeck.benchmarks.speed import Subject, measure


class FakeMachine:
    """A clock, and models that take a fixed time per token of their batches, padding included."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def model(self, name, seconds_per_token, formats=("pytorch",)):
        def forward(ids_BT, mask_BT):
            self.now += ids_BT.size * seconds_per_token

        return Subject(name, 50, dict.fromkeys(formats, forward))


def _measure(machine, subjects, cells, **settings):
    settings = {"against": "teacher", "rounds": 5, "seconds": 1e6, "threads": 2, **settings}
    return measure(subjects, cells, clock=machine, **settings)


def test_rows_say_what_was_timed():
    """A report that reads other keys than the benchmark writes shows an empty table."""
    machine = FakeMachine()
    timings = _measure(machine, [machine.model("teacher", 0.002), machine.model("student", 0.001)], [uniform(2, 10)])
    assert timings.speed[1] == {
        "model": "student",
        "format": "pytorch",
        "threads": 2,
        "batch": 2,
        "length": 10,
        "p50_ms": pytest.approx(20.0),
        "p95_ms": pytest.approx(20.0),
        "sequences_per_second": pytest.approx(100.0),
        "tokens_per_second": pytest.approx(1000.0),
        "rounds": 5,
    }
    (ratio,) = timings.ratios
    assert (ratio["model"], ratio["against"], ratio["speedup"]) == ("student", "teacher", pytest.approx(2.0))
    assert timings.notes == []


def test_formats_are_compared_with_themselves():
    """A student in ONNX against a teacher in PyTorch would sell the runtime as distillation."""
    machine = FakeMachine()
    subjects = [machine.model("teacher", 0.002), machine.model("student", 0.001, ("pytorch", "onnx"))]
    timings = _measure(machine, subjects, [uniform(1, 10)])
    assert [(row["model"], row["format"]) for row in timings.speed] == [
        ("teacher", "pytorch"),
        ("student", "pytorch"),
        ("student", "onnx"),
    ]
    assert [row["format"] for row in timings.ratios] == ["pytorch"]


def test_a_mix_has_throughput_but_no_latency():
    """A percentile over batches of different sizes is nobody's waiting time."""
    machine = FakeMachine()
    (row,) = _measure(machine, [machine.model("teacher", 0.001)], [mixed([4, 4, 8])]).speed
    assert (row["p50_ms"], row["p95_ms"]) == (None, None)
    assert row["sequences_per_second"] == pytest.approx(3 / 0.024)
    assert row["tokens_per_second"] == pytest.approx(16 / 0.024, rel=1e-3)


def test_the_time_is_kept_and_shortfalls_are_said():
    """Three rounds that pass for thirty give the 95th percentile a meaning it does not have."""
    machine, seen = FakeMachine(), []
    cells = [uniform(1, 10), uniform(32, 100), uniform(32, 1000)]
    timings = _measure(machine, [machine.model("teacher", 0.001)], cells, rounds=5, seconds=6.0, watch=seen.append)
    assert [(row["length"], row["rounds"]) for row in timings.speed] == [(10, 5), (100, 3)]
    assert timings.notes == [
        "left out, to end in time: pytorch at batch 32 x 1000",
        "timed 3 times, not 5, to end in time: pytorch at batch 32 x 100",
    ]
    assert machine.now <= 12.0
    assert len(seen) == 3


def test_one_slow_moment_hardly_moves_the_ratio():
    """A ratio of means is decided by the one round in which another process woke up."""
    taken = {"teacher": [2.0, 2.0, 2.0, 2.0, 40.0], "student": [1.0, 1.0, 1.0, 1.0, 1.0]}
    (row,) = ratio_rows(uniform(1, 8), "pytorch", taken, "teacher")
    assert row["speedup"] == 2.0
    assert row["speedup_range"] == [2.0, 2.0]


def test_no_reference_no_ratio():
    """A speed-up against a model that was not timed is invented."""
    assert ratio_rows(uniform(1, 8), "onnx", {"student": [1.0]}, "teacher") == []


def test_percentiles_are_over_rounds():
    """A p95 that is the mean hides the waits that users notice."""
    (row,) = speed_rows(uniform(1, 8), "pytorch", {"a": [0.001 * n for n in range(1, 102)]}, 1)
    assert row["p50_ms"] == pytest.approx(51.0)
    assert row["p95_ms"] == pytest.approx(96.0)


def test_ratios_in_words():
    """The line a user sees first must name both models and the condition."""
    rows = ratio_rows(uniform(1, 32), "pytorch", {"teacher": [2.0] * 3, "student": [1.0] * 3}, "teacher")
    assert ratio_sentences(rows) == ["student is 2.00 times as fast as teacher [2.00, 2.00] in pytorch at batch 1 x 32"]
