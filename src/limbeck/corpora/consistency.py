"""Which paragraphs mark their names reliably enough to learn from.

An author who marks some names and leaves others plain teaches that the plain ones are no names. Such
paragraphs stay in the text and lose their spans.
"""

import re

MINIMUM_ROLES = 3
"""A file with fewer typed names does not mark them by habit: what it leaves unmarked means nothing."""

Paragraph = tuple[str, tuple[tuple[int, int, str], ...]]
"""Text; start, end and label of its names."""

_NAME_LIKE = re.compile(
    r"""
      \b[A-Z][a-z]+[A-Z]\w*            # CamelCase
    | \b[A-Za-z_]\w+\.[A-Za-z_]\w+     # dotted.path
    | \b[A-Za-z_]\w+\(                 # call(
    """,
    re.VERBOSE,
)
_PRODUCTS = re.compile(r"\b(?:NumPy|SciPy|SymPy|PyTorch|GitHub|TensorFlow|OpenMP|MacOS)\b")
"""Written like classes, and no names of an interface."""
_WORD = re.compile(r"\w+(?:\.\w+)*")


def only_consistent(docstrings: list[list[Paragraph]]) -> list[list[Paragraph]]:
    """One file's paragraphs, those without reliable marking stripped of their spans."""
    marked = [text[start:end] for paragraphs in docstrings for text, spans in paragraphs for start, end, _ in spans]
    if len(marked) < MINIMUM_ROLES:
        return [[(text, ()) for text, _ in paragraphs] for paragraphs in docstrings]
    names = {name for name in marked if "_" in name}
    return [
        [(text, spans if _is_consistent(text, spans, names) else ()) for text, spans in paragraphs]
        for paragraphs in docstrings
    ]


def _is_consistent(text: str, spans: tuple[tuple[int, int, str], ...], names: set[str]) -> bool:
    """Whether nothing outside the spans looks like a name, or is one that the file or paragraph marks."""
    outside, position = [], 0
    for start, end, _ in spans:
        outside.append(text[position:start])
        position = end
    rest = _PRODUCTS.sub("", " \0 ".join([*outside, text[position:]]))
    own = {text[start:end] for start, end, _ in spans}
    return not _NAME_LIKE.search(rest) and (names | own).isdisjoint(_WORD.findall(rest))
