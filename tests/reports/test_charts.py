import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from limbeck.reports.charts import Bar, Placed, interval_strip, latency_chart, learning_chart, retention_chart
from limbeck.reports.curves import smoothed, thinned
from limbeck.reports.report import Curve, Point
from limbeck.reports.svg import Scale, spread, text

SVG = "{http://www.w3.org/2000/svg}"
STUDENT = Placed("student", "student", 1.9, 0.98, (1.8, 2.0), (0.96, 1.0))
CONTROL = Placed("control <b>", "control", 1.9, 0.979)


def curve(losses: list[float], seed: int | None = None) -> Curve:
    """A curve that logged these losses."""
    points = [Point(update=n + 1, loss=loss) for n, loss in enumerate(losses)]
    return Curve(step="student", do="distil", seed=seed, points=points)


CHARTS = {
    "retention": retention_chart([STUDENT, CONTROL], "F1"),
    "learning": learning_chart([curve([9.0, 3.0, 0.5], 1), curve([8.0, 2.0, 0.4], 2)]),
    "latency": latency_chart(
        [Bar("teacher", "teacher", "batch 1", 8.0, 9.0), Bar("s", "student", "batch 1", 4, None)], "t"
    ),
    "interval": interval_strip(0.5, (0.4, 0.6), (0.3, 0.7), "student"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_charts_are_whole_and_speak(name: str) -> None:
    """A drawing without title and description does not exist for a screen reader."""
    root = ET.fromstring(str(CHARTS[name]))
    assert root.get("role") == "img"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text
    assert description.text
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_names_cannot_become_markup() -> None:
    """A model named `<b>` must not change the page."""
    assert "control &lt;b&gt;" in CHARTS["retention"]
    assert str(text(0, 0, "<x>")) == '<text x="0" y="0" text-anchor="start">&lt;x&gt;</text>'


def test_roles_differ_in_shape() -> None:
    """A reader who cannot tell the colours apart must be able to tell the models apart."""
    root = ET.fromstring(str(retention_chart([STUDENT, CONTROL, Placed("t", "truncated", 1.9, 0.9)], "F1")))
    marks = [node for node in root if "mark" in (node.get("class") or "")]
    shapes = [(node.tag, len((node.get("points") or "").split()), node.get("points", "")[:4]) for node in marks]
    assert len(set(shapes)) == len(marks) == 4


def test_labels_of_close_points_do_not_overlap() -> None:
    """Two labels printed over each other are read by nobody."""
    root = ET.fromstring(str(CHARTS["retention"]))
    heights = sorted(float(node.get("y", 0)) for node in root if node.get("class") == "label")
    assert min(after - before for before, after in pairwise(heights)) >= 20


def test_the_loss_axis_is_logarithmic_only_where_it_helps() -> None:
    """A logarithmic axis that is not announced flatters a curve."""
    assert "loss axis logarithmic" in learning_chart([curve([10.0, 1.0, 0.5])])
    assert "logarithmic" not in learning_chart([curve([3.0, 2.5, 2.0])])
    assert "logarithmic" not in learning_chart([curve([3.0, 0.0])])


@pytest.mark.parametrize("losses", [[2.0, 2.0], [0.0, 0.0], [-1.0, 1.0], [1e-6, 5.0]])
def test_odd_curves_are_drawn(losses: list[float]) -> None:
    """A constant loss must not divide by zero in the report of a run that took a day."""
    ET.fromstring(str(learning_chart([curve(losses)])))


def test_smoothing_invents_nothing() -> None:
    """A running mean that moves the ends, or a constant, shows a loss that never was."""
    noisy = [float(n % 7) for n in range(200)]
    mean = smoothed(noisy)
    assert smoothed([3.0] * 100) == [3.0] * 100
    assert (mean[0], mean[-1]) == (noisy[0], noisy[-1])
    assert min(noisy) <= min(mean)
    assert max(mean) <= max(noisy)


def test_thinning_keeps_both_ends_and_what_was_held_out() -> None:
    """The last loss and the held-out losses are the ones people quote."""
    lines = [{"update": n, "loss": 1.0, **({"held_out": 2.0} if n == 17 else {})} for n in range(1, 5001)]
    kept = [line["update"] for line in thinned(lines)]
    assert kept[0] == 1
    assert kept[-1] == 5000
    assert 17 in kept
    assert len(kept) <= 302


def test_ticks_are_round_and_inside() -> None:
    """Ticks such as 0.9333 make a chart unreadable; ticks outside make it wrong."""
    assert Scale(0.91, 1.02, 0, 100).ticks(7) == [0.92, 0.94, 0.96, 0.98, 1.0, 1.02]
    assert Scale(0.3, 12, 0, 100, log=True).ticks() == [0.3, 1.0, 3.0, 10.0]
    assert Scale(1, 1, 0, 100)(1) == 0


def test_spread_keeps_order_and_room() -> None:
    """Labels that swap places name the wrong model."""
    assert spread([10, 11, 50], 20, 0, 100) == [10, 30, 50]
    assert spread([95, 96], 20, 0, 100) == [80, 100]
