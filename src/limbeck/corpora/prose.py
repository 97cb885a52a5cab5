"""The paragraphs of prose in a documentation string: no examples, tables, headings or lists of types."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MINIMUM_WORDS = 6
MAXIMUM_CHARACTERS = 4000

_SPOKEN = {
    "note", "warning", "tip", "important", "hint", "caution", "attention", "danger", "seealso",
}  # fmt: skip
"""Directives whose argument and body are prose."""
_TITLED = {"admonition", "rubric", "topic"}
"""Directives whose body is prose and whose argument is a heading."""
_DATED = {"versionadded", "versionchanged", "versionremoved", "deprecated"}
"""Directives whose argument is a version, then prose."""

_FENCE = re.compile(r"(```|~~~)")
_DOCTEST = re.compile(r">>>|\.\.\. |In \[\d")
_DIRECTIVE = re.compile(r"\.\. (?P<name>[\w:-]+)::\s*(?P<argument>.*)")
_EXPLICIT = re.compile(r"\.\.(\s|$)")
_RULE = re.compile(r"([=\-~^\"'#*+_<>])\1{2,}")
_TABLE = re.compile(r"[|+]|={2,}\s+={2,}|-{2,}\s+-{2,}|</?\w+[^>]*>$")
_FIELD = re.compile(r":(?P<name>[A-Za-z][^:`]*):(?:\s+(?P<text>.*)|$)")
_SILENT_FIELDS = ("type", "rtype", "vartype", "meta", "author", "copyright", "license")
_ITEM = re.compile(r"(?:[-*+•]|\(?(?:\d{1,2}|[a-z#])[.)])\s+(?P<text>.*)")
_ARGUMENT = re.compile(r"\*{0,2}\w[\w.\[\]]*\s*(?:\(.*?\))?\s*:\s+(?P<text>\S.*)")
_NOT_PROSE = re.compile(r">>>|\\[a-zA-Z]|\$\$|%\(\w+\)s|\{\w*\}|:math:|https?://\S{40,}|[|]{2}")
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*[.,;:!?)]*")


@dataclass
class _Block:
    """Lines that belong together; a hanging block goes on with deeper lines, another one ends there."""

    indent: int
    hanging: bool
    lines: list[str] = field(default_factory=list)
    refused: bool = False


@dataclass
class _Reader:
    """Where a reader of lines stands."""

    block: _Block | None = None
    skip_deeper_than: int | None = None
    in_fence: bool = False
    in_example: bool = False
    done: list[str] = field(default_factory=list)

    def end(self, refuse: bool = False) -> None:
        """Ends the block; `refuse` throws it away."""
        block, self.block = self.block, None
        if block is None:
            return
        text = " ".join(" ".join(block.lines).split())
        if text.endswith("::"):
            self.skip_deeper_than = block.indent
            text = text[:-1].removesuffix(" :")
        if text and not refuse and not block.refused:
            self.done.append(text)

    def start(self, indent: int, text: str, hanging: bool) -> None:
        """Ends the block and starts another."""
        self.end()
        self.block = _Block(indent, hanging, [text] if text else [])


def paragraphs(docstring: str) -> Iterator[str]:
    """Paragraphs of prose, inline markup included, white space as single spaces.

    `docstring` has been dedented (`inspect.cleandoc`).
    """
    reader = _Reader()
    for line in docstring.split("\n"):
        _read(reader, line.expandtabs())
    reader.end()
    return (text for text in reader.done if not _NOT_PROSE.search(text))


def reads_as_prose(text: str) -> bool:
    """Whether a paragraph, markup removed, is long enough and made mostly of words."""
    words = text.split()
    if len(words) < MINIMUM_WORDS or len(text) > MAXIMUM_CHARACTERS:
        return False
    return sum(1 for word in words if _WORD.fullmatch(word)) >= 0.7 * len(words)


def _read(reader: _Reader, line: str) -> None:
    text = line.strip()
    indent = len(line) - len(line.lstrip())
    if _FENCE.match(text):
        reader.end()
        reader.in_fence = not reader.in_fence
    elif reader.in_fence:
        return
    elif not text:
        reader.end()
        reader.in_example = False
    elif reader.skip_deeper_than is not None and indent > reader.skip_deeper_than:
        return
    else:
        reader.skip_deeper_than = None
        _read_text(reader, indent, text)


def _read_text(reader: _Reader, indent: int, text: str) -> None:
    if reader.in_example or _DOCTEST.match(text):
        reader.end()
        reader.in_example = True
    elif _RULE.fullmatch(text):
        reader.end(refuse=reader.block is not None and len(reader.block.lines) == 1)
    elif _EXPLICIT.match(text):
        _read_directive(reader, indent, text)
    elif found := _FIELD.match(text):
        silent = found["name"].split()[0] in _SILENT_FIELDS
        reader.start(indent, "" if silent else found["text"] or "", hanging=True)
        if reader.block is not None:
            reader.block.refused = silent
    elif found := _ITEM.match(text):
        reader.start(indent, found["text"], hanging=True)
    else:
        _read_plain(reader, indent, text)


def _read_directive(reader: _Reader, indent: int, text: str) -> None:
    reader.end()
    found = _DIRECTIVE.match(text)
    name = found["name"] if found else ""
    if found and name in _SPOKEN:
        reader.start(indent, found["argument"], hanging=True)
    elif found and name in _DATED:
        reader.start(indent, found["argument"].partition(" ")[2], hanging=True)
    elif name not in _TITLED:
        reader.skip_deeper_than = indent


def _read_plain(reader: _Reader, indent: int, text: str) -> None:
    block = reader.block
    if block is not None and (indent > block.indent if block.hanging else indent == block.indent):
        block.lines.append(text)
    else:
        deeper = block is not None and indent > block.indent and len(block.lines) == 1
        reader.end(refuse=deeper)  # a lone line above an indented one is a term or a heading
        if reader.skip_deeper_than is not None and indent > reader.skip_deeper_than:
            return
        argument = _ARGUMENT.match(text) if indent else None
        reader.start(indent, argument["text"] if argument else text, hanging=argument is not None)
    if reader.block is not None and _TABLE.match(text):
        reader.block.refused = True
