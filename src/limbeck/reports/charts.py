"""The drawings of the report, as inline SVG.

Every drawing states its data in words as well, and a role is told by shape and name, never by colour alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from limbeck.reports.curves import smoothed
from limbeck.reports.evaluated import Interval
from limbeck.reports.report import Curve
from limbeck.reports.svg import Scale, element, figure, line, marker, path, spread, text
from limbeck.reports.wording import count, interval, milliseconds, share, times

WIDEST_LETTER = 10
"""Units to set aside for each letter of a label, at the size that a phone shows."""


@dataclass(frozen=True)
class Placed:
    """A model in the plane of speed-up and retention."""

    name: str
    role: str
    speedup: float
    retention: float
    speedup_range: Interval | None = None
    retention_ci95: Interval | None = None

    def __str__(self) -> str:
        return (
            f"{self.name}: {share(self.retention)} {interval(self.retention_ci95, share)}"
            f" at {times(self.speedup)} {interval(self.speedup_range, times)}"
        )


def retention_chart(placed: Sequence[Placed], metric: str) -> Markup:
    """Retention against speed-up; the teacher stands where 100 % meets 1 x."""
    width, height, left, right, top, bottom = 540.0, 350.0, 58.0, 8.0, 30.0, 50.0
    xs = [1.0, *(x for p in placed for x in (p.speedup, *_bounds(p.speedup_range)))]
    ys = [1.0, *(y for p in placed for y in (p.retention, *_bounds(p.retention_ci95)))]
    across = Scale(min(0.8, min(xs) - 0.1), max(xs) + 0.15 * (max(xs) - min(xs)) + 0.1, left, width - right)
    up = Scale(min(ys) - 0.02, max(ys) + 0.015, height - bottom, top)
    parts = [
        *(_rule(across.start, up(y), across.end, share(y, 0), "y") for y in up.ticks(7)),
        *(text(across(x), height - bottom + 20, f"{x:g}×", "middle", "tick") for x in across.ticks()),
        line(across(1), up.start, across(1), up.end, "reference-line"),
        line(across.start, up(1), across.end, up(1), "reference-line"),
        text((left + width - right) / 2, height - 8, "times as fast as the teacher", "middle", "axis"),
        text(8, 14, f"share of the teacher’s {metric} kept", "start", "axis"),
    ]
    teacher = Placed("teacher", "teacher", 1.0, 1.0)
    everyone = [teacher, *placed]
    heights = spread([up(p.retention) for p in everyone], 22, up.end + 6, up.start - 4)
    for one, y in zip(everyone, heights, strict=True):
        parts += _placed(one, across, up, y)
    description = "; ".join(map(str, placed)) + ". The teacher is 100 % at 1×. Lines are 95 % intervals."
    return figure("Retention against speed-up", description, (width, height), parts, "wide")


def _placed(one: Placed, across: Scale, up: Scale, label_y: float) -> list[Markup]:
    x, y = across(one.speedup), up(one.retention)
    class_ = f"whisker role-{one.role}"
    parts = []
    if len(bounds := _bounds(one.retention_ci95)) == 2:
        parts += [line(x, up(bounds[0]), x, up(bounds[1]), class_)]
        parts += [line(x - 4, up(bound), x + 4, up(bound), class_) for bound in bounds]
    if len(bounds := _bounds(one.speedup_range)) == 2:
        parts += [line(across(bounds[0]), y, across(bounds[1]), y, class_)]
        parts += [line(across(bound), y - 4, across(bound), y + 4, class_) for bound in bounds]
    label = one.name if one.role == "teacher" else f"{one.name} {share(one.retention)}"
    reach = [x, *(across(bound) for bound in _bounds(one.speedup_range))]
    near, anchor, towards = max(reach) + 12, "start", 1
    room = WIDEST_LETTER * len(label)
    if near + room > across.end and min(reach) - 12 - room >= 0:
        near, anchor, towards = min(reach) - 12, "end", -1
    elif near + room > across.end:
        near = max(12, min(x + 12, across.end - room))  # over its own whisker
    if abs(label_y - y) > 6:
        parts.append(line(x + 8 * towards, y, near - 2 * towards, label_y, "leader"))
    return [*parts, marker(one.role, x, y), text(near, label_y + 4.5, label, anchor, "label")]


def learning_chart(curves: Sequence[Curve]) -> Markup:
    """Loss against updates for one step: one line, or one for each seed.

    The thin line is what was logged, the thick one its running mean. The axis is logarithmic where the loss
    falls by more than a factor of ten.
    """
    width, height, left, right, top, bottom = 340.0, 210.0, 46.0, 16.0, 14.0, 36.0
    series = [_series(curve) for curve in curves]
    losses = [loss for points in series for _, loss in points]
    losses += [p.held_out for curve in curves for p in curve.points if p.held_out is not None]
    updates = [update for points in series for update, _ in points]
    low, high = min(losses), max(losses)
    log = low > 0 and high / low > 10
    margin = 0.0 if log else 0.06 * (high - low) or 0.1 * abs(high) or 0.1
    up = Scale(low - margin, high + margin, height - bottom, top, log)
    if log:
        up = Scale(low / 1.15, high * 1.15, height - bottom, top, True)
    across = Scale(0, max(updates), left, width - right - (42 if len(curves) > 1 else 0))
    parts = [_rule(left, up(y), width - right, f"{y:.3g}", "y") for y in up.ticks(4)]
    parts += [text(across(x), height - bottom + 17, count(x), "middle", "tick") for x in across.ticks(4)]
    parts.append(
        text(
            (left + across.end) / 2, height - 3, f"updates{' · loss axis logarithmic' if log else ''}", "middle", "axis"
        )
    )
    ends = spread([up(points[-1][1]) for points in series], 13, top + 4, height - bottom)
    for n, (curve, points, end) in enumerate(zip(curves, series, ends, strict=True)):
        parts += _learning(curve, points, across, up, n)
        if len(curves) > 1:
            parts.append(text(across.end + 6, end + 4, f"seed {curve.seed}", class_="tick"))
    description = "; ".join(_ends(curve, points) for curve, points in zip(curves, series, strict=True)) + "."
    return figure(f"Learning curve of {curves[0].step}", description, (width, height), parts, "panel")


def _series(curve: Curve) -> list[tuple[int, float]]:
    return [(point.update, point.loss) for point in curve.points if point.loss is not None]


def _learning(curve: Curve, points: list[tuple[int, float]], across: Scale, up: Scale, n: int) -> list[Markup]:
    raw = [(across(update), up(loss)) for update, loss in points]
    mean = [(across(u), up(s)) for (u, _), s in zip(points, smoothed([v for _, v in points]), strict=True)]
    parts = [path(raw, "curve raw"), path(mean, f"curve dash-{n % 4}")]
    held_out = [(across(p.update), up(p.held_out)) for p in curve.points if p.held_out is not None]
    if held_out:
        parts += [
            path(held_out, "curve held-out"),
            *(element("circle", cx=x, cy=y, r=2.6, class_="held-out") for x, y in held_out),
        ]
        parts.append(text(held_out[-1][0], held_out[-1][1] - 8, "held out", "end", "tick"))
    return parts


def _ends(curve: Curve, points: list[tuple[int, float]]) -> str:
    who = "loss" if curve.seed is None else f"seed {curve.seed}: loss"
    return f"{who} from {points[0][1]:.4g} at update {points[0][0]} to {points[-1][1]:.4g} at update {points[-1][0]}"


@dataclass(frozen=True)
class Bar:
    """A latency: median, and the 95th percentile where it was measured."""

    name: str
    role: str
    group: str
    p50: float
    p95: float | None


def latency_chart(bars: Sequence[Bar], title: str) -> Markup:
    """Median latencies as bars with a tick at the 95th percentile; lower is better."""
    width, left, right, row, heading = 480.0, 128.0, 74.0, 21.0, 26.0
    groups = list(dict.fromkeys(bar.group for bar in bars))
    height = heading * len(groups) + row * len(bars) + 8
    along = Scale(0, max(max(bar.p50, bar.p95 or 0) for bar in bars), left, width - right)
    parts: list[Markup] = []
    y = 0.0
    for group in groups:
        y += heading
        parts.append(text(0, y - 7, group, class_="group"))
        for bar in (bar for bar in bars if bar.group == group):
            parts += _bar(bar, along, y)
            y += row
    description = "; ".join(
        f"{bar.group}, {bar.name}: median {milliseconds(bar.p50)} ms, 95th percentile {milliseconds(bar.p95)} ms"
        for bar in bars
    )
    return figure(title, description + ".", (width, height), parts, "panel")


def _bar(bar: Bar, along: Scale, y: float) -> list[Markup]:
    end = along(bar.p50)
    furthest = max(end, along(bar.p95) if bar.p95 is not None else 0)
    parts = [
        text(along.start - 10, y + 12, bar.name, "end", "label small"),
        element(
            "rect",
            x=along.start,
            y=y + 2.0,
            width=max(1.0, end - along.start),
            height=13.0,
            class_=f"bar role-{bar.role}",
        ),
        text(furthest + 7, y + 12.5, f"{milliseconds(bar.p50)} ms", "start", "value"),
    ]
    if bar.p95 is not None:
        parts += [
            line(end, y + 8.5, along(bar.p95), y + 8.5, "p95"),
            line(along(bar.p95), y + 4, along(bar.p95), y + 13, "p95"),
        ]
    return parts


def interval_strip(
    value: float, bounds: Interval | None, domain: tuple[float, float], role: str, zero: bool = False
) -> Markup:
    """A score or difference on a line that all rows of a table share."""
    width, height = 180.0, 20.0
    along = Scale(*domain, 8.0, width - 8)
    parts = [line(8, height / 2, width - 8, height / 2, "strip")]
    if zero and domain[0] <= 0 <= domain[1]:
        parts.append(line(along(0), 1, along(0), height - 1, "zero"))
    if len(ends := _bounds(bounds)) == 2:
        parts.append(line(along(ends[0]), height / 2, along(ends[1]), height / 2, f"whisker role-{role}"))
    parts.append(marker(role, along(value), height / 2, 4.2))
    description = f"{100 * value:.1f} {interval(bounds, share)}".strip()
    return figure("95 % interval", description, (width, height), parts, "interval")


def course_strip(values: Sequence[tuple[int, float]], reference: float | None, name: str) -> Markup:
    """A measure over the updates, small enough for a table; the dashed line is the teacher's value."""
    width, height = 180.0, 30.0
    heights = [value for _, value in values] + ([] if reference is None else [reference])
    along = Scale(values[0][0], values[-1][0], 4.0, width - 6)
    up = Scale(min(heights), max(heights), height - 4, 4.0)
    parts = [] if reference is None else [line(4, up(reference), width - 6, up(reference), "reference-line")]
    places = [(along(update), up(value)) for update, value in values]
    parts += [path(places, "curve"), element("circle", cx=places[-1][0], cy=places[-1][1], r=2.6, class_="end")]
    (first, start), (last, end) = values[0], values[-1]
    described = f"from {start:.4g} after update {first} to {end:.4g} after update {last}"
    teachers = "" if reference is None else f"; the teacher’s is {reference:.4g}"
    return figure(name, f"{described}{teachers}.", (width, height), parts, "interval")


def _rule(x1: float, y: float, x2: float, label: str, class_: str) -> Markup:
    return line(x1, y, x2, y, f"grid {class_}") + text(x1 - 8, y + 4, label, "end", "tick")


def _bounds(bounds: Interval | None) -> list[float]:
    """Both ends, or nothing."""
    low, high = bounds or (None, None)
    return [] if low is None or high is None else [low, high]
