"""Inline markup of reStructuredText and Markdown: taken off, with the names it marked kept as spans.

What is left reads as the finished page does, except that functions and methods get no parentheses: Sphinx
adds them by rule, and they would give the label away.
"""

import re
from typing import NamedTuple

LABELS = {
    "class": "class",
    "func": "func",
    "function": "func",
    "meth": "meth",
    "method": "meth",
    "attr": "attr",
    "attribute": "attr",
    "mod": "mod",
    "module": "mod",
    "exc": "exc",
    "exception": "exc",
    "data": "data",
}
"""Roles that say what a name is, and the label each becomes."""

UNTYPED = {"obj", "any", "const", "type", "deco", "prop", "property", "hook", "fixture"}
"""Roles for names too, but of a kind not said, or too rare to learn."""

_MARKUP = re.compile(
    r"""
      :(?P<role>[a-z][\w+.:-]*):`(?P<target>[^`]+)`      # :py:class:`~a.b.C`
    | (?P<literal>``(?:[^`]|`(?!`))+``)                   # ``x``
    | `(?P<quoted>[^`]+)`_{0,2}                           # `x`, `text <url>`_
    | (?<![\w*\\])\*\*(?P<strong>[^\s*](?:[^*]*[^\s*])?)\*\*(?![\w*])
    | (?<![\w*\\])\*(?P<emphasis>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])
    | (?P<citation>\s*\[[\w\#*.-]+\]_)                    # [1]_
    | \\(?P<escape>[\s*`_|\\])
    """,
    re.VERBOSE,
)
_TITLED = re.compile(r"(?P<title>.+?)\s*<[^<>]+>", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_LEFT_OVER = re.compile(r"`|:[a-z]+:|\]_\b|(?:^|\s)\*\*?\w+\*\*?(?:\s|$)")


class Marked(NamedTuple):
    """A text without its markup."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    """Start, end (exclusive) and label of every name that the markup typed."""
    clean: bool
    """All markup was understood, and no name is marked without its type."""


def take_off(text: str) -> Marked:
    """Removes inline markup from one paragraph whose white space is single spaces."""
    parts: list[str] = []
    spans: list[tuple[int, int, str]] = []
    clean, length, read = True, 0, 0
    for match in _MARKUP.finditer(text):
        shown, label, understood = _show(match)
        before = text[read : match.start()]
        parts += [before, shown]
        start = length + len(before)
        length = start + len(shown)
        read = match.end()
        clean = clean and understood
        if label is not None:
            spans.append((start, length, label))
    plain = "".join([*parts, text[read:]])
    return Marked(plain, tuple(spans), clean and not _LEFT_OVER.search(plain))


def _show(match: re.Match[str]) -> tuple[str, str | None, bool]:
    """What the reader sees, the label if it is a name of known type, and whether that is certain."""
    kind = match.lastgroup
    content = match[kind or 0]
    match kind:
        case "target":
            return _show_role(match["role"], content)
        case "literal":
            return content[2:-2].strip(), None, True
        case "quoted":
            titled = _TITLED.fullmatch(content)
            return (titled["title"] if titled else content).lstrip("~!"), None, True
        case "citation":
            return "", None, True
        case "escape":
            return content.strip(), None, True
        case _:
            return content, None, True


def _show_role(role: str, content: str) -> tuple[str, str | None, bool]:
    *domain, kind = role.split(":")
    titled = _TITLED.fullmatch(content)
    shown = titled["title"] if titled else content.lstrip("!")
    if kind not in LABELS or domain[:1] in (["c"], ["cpp"], ["js"]):
        return _last(shown), None, kind not in UNTYPED and kind != "math"
    shown = _last(shown).removesuffix("()")
    is_name = _NAME.fullmatch(shown) is not None
    return shown, LABELS[kind] if is_name else None, is_name


def _last(name: str) -> str:
    """`~a.b.C` shows `C`; `.C` shows `C`."""
    if name.startswith("~"):
        return name[1:].rpartition(".")[2]
    return name[1:] if name.startswith(".") else name
