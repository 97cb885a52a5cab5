import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limbeck.training import history as module
from limbeck.training.history import History


def _filled(losses: list[float], history: History | None = None, first: int = 1) -> History:
    history = history or History()
    for update, loss in enumerate(losses, first):
        history.add(update, tokens=10, rate=1 / update, terms={"loss": loss, "half": loss / 2}, seconds=0.5)
    return history


def _through_json(history: History) -> History:
    return History.from_state(json.loads(json.dumps(history.state())))


@settings(max_examples=60)
@given(
    losses=st.lists(st.floats(0, 100), min_size=1, max_size=150),
    cut=st.integers(0, 150),
    points=st.integers(1, 6),
)
def test_averaging_neighbours_loses_nothing(losses, cut, points):
    """A curve that weighs its points wrongly shows a loss that never was, also after an interruption."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "POINTS", points)
        whole = _filled(losses)
        cut = min(cut, len(losses))
        parts = _filled(losses[cut:], _through_json(_filled(losses[:cut])), cut + 1)
    assert parts.state() == whole.state()
    assert len(whole.rows) <= 2 * points
    assert sum(row["over"] for row in whole.rows) == len(losses)
    total = sum(row["terms"]["loss"] * row["over"] for row in whole.rows)
    assert total == pytest.approx(math.fsum(losses), rel=1e-9, abs=1e-9)
    assert [row["update"] for row in whole.rows] == sorted({row["update"] for row in whole.rows})
    assert whole.rows[-1]["update"] == len(losses)
    assert whole.rows[-1]["tokens"] == whole.tokens == 10 * len(losses)


def test_a_long_training_has_a_short_curve():
    """A million points make a report that no browser opens."""
    history = _filled([1.0] * 5000)
    assert module.POINTS / 2 <= len(history.rows) <= 2 * module.POINTS
    assert all(row["terms"] == {"loss": 1.0, "half": 0.5} for row in history.rows)


def test_neighbours_are_averaged_by_hand(monkeypatch):
    """Three updates of loss 1, 2, 6 over two points at most: 1.5 and 6."""
    monkeypatch.setattr(module, "POINTS", 1)
    history = _filled([1.0, 2.0, 6.0])
    assert [(row["update"], row["over"], row["terms"]["loss"]) for row in history.rows] == [(2, 2, 1.5), (3, 1, 6.0)]


def test_totals():
    """The cost in a report is read from here."""
    history = _filled([float(n) for n in range(1, 21)])
    history.held_out(10, 3.0)
    history.held_out(20, 2.0)
    assert history.facts() == {
        "updates": 20,
        "tokens": 200,
        "seconds_training": 10.0,
        "tokens_per_second": 20.0,
        "final": {"loss": 19.5, "half": 9.75},  # the last tenth: updates 19 and 20
        "held_out": 2.0,
        "probe": {},
        "warnings": [],
    }


def test_totals_of_no_update():
    """A step that failed before its first update is still reported."""
    assert History().facts()["final"] == {}
    assert History().facts()["tokens_per_second"] is None


def test_rows_of_the_file(tmp_path):
    """The report reads these names."""
    history = _filled([4.0, 2.0])
    history.held_out(2, 3.5)
    path = tmp_path / "curve.jsonl"
    history.write(path)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"update": 1, "tokens": 10, "learning_rate": 1.0, "terms": {"half": 2.0}, "loss": 4.0},
        {"update": 2, "tokens": 20, "learning_rate": 0.5, "terms": {"half": 1.0}, "loss": 2.0, "held_out": 3.5},
    ]


def test_held_out_values_survive_averaging(tmp_path, monkeypatch):
    """A value measured at an update that is no longer a point of its own belongs to the point over it."""
    monkeypatch.setattr(module, "POINTS", 2)
    history = History()
    for update in range(1, 17):
        history.add(update, 10, 0.1, {"loss": 1.0}, 0.1)
        if update % 5 == 0:
            history.held_out(update, update / 10)
    path = tmp_path / "curve.jsonl"
    _through_json(history).write(path)
    points = [json.loads(line) for line in path.read_text().splitlines()]
    assert [point["held_out"] for point in points if "held_out" in point] == [0.5, 1.0, 1.5]
    assert all(point["update"] >= 10 * point.get("held_out", 0) for point in points)
