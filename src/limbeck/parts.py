"""Texts as they are handed to a tokenizer: many together, which it can share out among its threads."""

from collections.abc import Iterable, Iterator
from itertools import islice

from limbeck.workspace import Progress

TOGETHER = 256
"""Texts of a part."""


def parts(texts: Iterable[str], progress: Progress | None = None) -> Iterator[list[str]]:
    """The texts in their order; progress advances by one for each, once the part that it is in has been used."""
    stream = iter(texts)
    while part := list(islice(stream, TOGETHER)):
        yield part
        if progress is not None:
            progress.advance(len(part))
