"""Numbers as people read them; a missing number is a dash."""

import math
from collections.abc import Callable

NO_VALUE = "–"
_NARROW = "\u00a0"


def known(value: object) -> bool:
    """Whether `value` is a number that can be shown."""
    return isinstance(value, int | float) and math.isfinite(value)


def share(value: float | None, digits: int = 1) -> str:
    """0.981 as `98.1 %`."""
    return f"{_signed(100 * value, digits)}{_NARROW}%" if value is not None and known(value) else NO_VALUE


def score(value: float | None) -> str:
    """A metric between -1 and 1 in points of 100, any other as it is."""
    if value is None or not known(value):
        return NO_VALUE
    return _signed(100 * value if abs(value) <= 1 else value, 1)


def points(value: float | None) -> str:
    """A difference of 0.034 as `+3.4`, in points."""
    if value is None or not known(value):
        return NO_VALUE
    return ("+" if round(100 * value, 1) > 0 else "") + _signed(100 * value, 1)


def times(value: float | None) -> str:
    """1.94 as `1.94×`."""
    return f"{value:.2f}×" if value is not None and known(value) else NO_VALUE


def interval(bounds: tuple[float | None, float | None] | None, show: Callable[[float | None], str]) -> str:
    """Two bounds in brackets, units left out; nothing when there is no interval."""
    if bounds is None or not all(known(bound) for bound in bounds):
        return ""
    low, high = (show(bound).removesuffix(f"{_NARROW}%").removesuffix("×") for bound in bounds)
    return f"[{low}, {high}]"


def milliseconds(value: float | None) -> str:
    """Three significant digits, thousands set apart."""
    if value is None or not known(value):
        return NO_VALUE
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{min(digits, 3)}f}"


def count(value: float | None) -> str:
    """22713216 as `22.7 M`; below a million every digit."""
    if value is None or not known(value):
        return NO_VALUE
    return f"{value:,.0f}" if abs(value) < 1e6 else _scaled(value, 1000, ("", "k", "M", "G", "T", "P", "E"))


def flops(value: float | None) -> str:
    """3.2e15 as `3.2 PFLOP`."""
    if value is None or not known(value):
        return NO_VALUE
    return f"{_scaled(value, 1000, ('', 'k', 'M', 'G', 'T', 'P', 'E'))}FLOP"


def size(value: float | None) -> str:
    """Bytes in powers of 1000, as disks are sold and downloads are shown."""
    if value is None or not known(value):
        return NO_VALUE
    return f"{_scaled(value, 1000, ('', 'k', 'M', 'G', 'T'))}B"


def duration(seconds: float | None) -> str:
    """The two largest units: `1 h 5 min`, `4 min 12 s`, `0.8 s`."""
    if seconds is None or not known(seconds):
        return NO_VALUE
    if seconds < 10:
        return f"{seconds:.1f}{_NARROW}s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours}{_NARROW}h {minutes}{_NARROW}min"
    return f"{minutes}{_NARROW}min {rest}{_NARROW}s" if minutes else f"{rest}{_NARROW}s"


def metric_name(key: str) -> str:
    """A metric's key as it is spoken of: `f1` as `F1`, `entity_f1` as `entity F1`."""
    words = {"f1": "F1", "em": "exact match", "mcc": "Matthews correlation"}
    return " ".join(words.get(word, word) for word in key.replace("_", " ").split()) or "score"


def short_metric(key: str) -> str:
    """A metric's name for the head of a narrow column."""
    name = metric_name(key)
    return name.replace("mean of Pearson and Spearman", "Pearson–Spearman").removesuffix(" correlation")


def plain(value: object) -> str:
    """Any single fact."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _scaled(value: float, base: int, prefixes: tuple[str, ...]) -> str:
    power = 0
    while abs(value) >= base and power < len(prefixes) - 1:
        value /= base
        power += 1
    digits = 1 if power and abs(value) < 100 else 0
    return f"{value:.{digits}f}{_NARROW}{prefixes[power]}"


def _signed(value: float, digits: int) -> str:
    """With a true minus sign, and no negative zero."""
    text = f"{abs(value):.{digits}f}"
    return f"−{text}" if value < 0 and float(text) else text
