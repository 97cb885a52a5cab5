"""Parts that test examples are divided into, so that a score can be told for each."""

from collections.abc import Sequence

NAMES = ("short", "middle", "long")


def thirds(lengths: Sequence[int]) -> list[str]:
    """The third that each length belongs to, with its bounds, as `short (1-12)`; equal lengths are never parted."""
    ordered = sorted(lengths)
    cuts = [ordered[len(ordered) * part // 3] for part in (1, 2)] if ordered else []
    places = [sum(length >= cut for cut in cuts) for length in lengths]
    names = {}
    for place in set(places):
        inside = [length for length, its in zip(lengths, places, strict=True) if its == place]
        names[place] = f"{NAMES[place]} ({min(inside)}-{max(inside)})"
    return [names[place] for place in places]
