"""Small parts of an inline SVG: elements, figures with a title and a description, scales with round ticks.

Text passes through markupsafe, so a model's or label's name can never become markup. Colours come from
classes: the page's style sheet knows light and dark, a drawing does not.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count, pairwise

from markupsafe import Markup, escape

_UNIQUE = count(1)


def element(tag: str, content: str = "", /, **attributes: str | float | None) -> Markup:
    """`class_` is written `class` and `stroke_width` is written `stroke-width`; None leaves one out."""
    written = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _number(value))
        for name, value in attributes.items()
        if value is not None
    )
    return Markup("<{tag}{written}>{content}</{tag}>").format(tag=Markup(tag), written=written, content=content)


def figure(title: str, description: str, size: tuple[float, float], parts: Iterable[Markup], class_: str) -> Markup:
    """A drawing that a screen reader can announce; `size` is its view box, one unit a CSS pixel at full width."""
    key = next(_UNIQUE)
    opening = Markup(
        '<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-labelledby="t{} d{}"'
        ' xmlns="http://www.w3.org/2000/svg">'
    ).format(class_, _number(size[0]), _number(size[1]), key, key)
    named = element("title", title, id=f"t{key}") + element("desc", description, id=f"d{key}")
    return opening + named + Markup("").join(parts) + Markup("</svg>")


def text(x: float, y: float, content: str, anchor: str = "start", class_: str | None = None) -> Markup:
    """A label with its baseline at `y`."""
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(places: Iterable[tuple[float, float]], class_: str) -> Markup:
    """A line through places."""
    return element("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places), class_=class_)


def marker(role: str, x: float, y: float, radius: float = 6) -> Markup:
    """Each role has a shape of its own, so that colour is never the only difference."""
    up, down = -math.pi / 2, math.pi / 2
    sides = {
        "teacher": (4, 0.0),
        "labels_only": (6, up),
        "control": (4, math.pi / 4),
        "truncated": (3, up),
        "untrained": (3, down),
        "reference": (5, up),
    }
    class_ = f"mark role-{role}"
    if role not in sides:
        return element("circle", cx=x, cy=y, r=radius, class_=class_)
    corners, turn = sides[role]
    angles = [turn + 2 * math.pi * n / corners for n in range(corners)]
    places = " ".join(f"{x + 1.25 * radius * math.cos(a):.1f},{y + 1.25 * radius * math.sin(a):.1f}" for a in angles)
    return element("polygon", points=places, class_=class_)


@dataclass(frozen=True)
class Scale:
    """Maps `low..high` to `start..end`, along the logarithm if `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where `value` is drawn."""
        low, high = self._bent(self.low), self._bent(self.high)
        return self.start + (self._bent(value) - low) / ((high - low) or 1) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Round values inside the scale, about `wanted` of them."""
        return self._decades() if self.log else self._even(wanted)

    def _bent(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def _even(self, wanted: int) -> list[float]:
        rough = (self.high - self.low) / max(1, wanted) or 1
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * n for n in (1, 2, 5, 10) if unit * n >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(n * step, 12) for n in range(first, last + 1)]

    def _decades(self) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1,), (1, 3), (1, 2, 5)):
            ticks = [t for p in powers for f in factors if self.low <= (t := float(f"{f}e{p}")) <= self.high]
            if len(ticks) >= 3:
                break
        return ticks


def spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Moves label positions apart to at least `gap`, keeping their order, within `low..high` where possible."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed = list(wanted)
    for before, here in pairwise(order):
        placed[here] = max(placed[here], placed[before] + gap)
    if order and placed[order[-1]] > high:
        placed[order[-1]] = high
        for after, here in pairwise(reversed(order)):
            placed[here] = min(placed[here], placed[after] - gap)
    return [max(low, place) for place in placed]


def _number(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(escape(value))
