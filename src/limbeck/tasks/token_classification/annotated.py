"""Examples from documents that carry labelled spans, such as the paragraphs of an annotated corpus."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from limbeck.errors import DataError
from limbeck.tasks.splits import Splits
from limbeck.tasks.token_classification.tagged_text import TaggedText, from_spans

Span = tuple[int, int, str]
"""Start and end in characters, the end exclusive, and the label."""


class AnnotatedDocument(Protocol):
    """What is read of a document."""

    @property
    def text(self) -> str:
        """Paragraphs, parted by newlines."""

    @property
    def spans(self) -> Sequence[Span]:
        """Labelled spans of `text`."""

    @property
    def split(self) -> str:
        """Which part of the data it belongs to: train, dev or test."""

    @property
    def source(self) -> str:
        """Where it comes from; examples of one source form one group."""


def examples_from_documents(documents: Iterable[AnnotatedDocument]) -> Splits[TaggedText]:
    """One example for each paragraph with at least one span; the other paragraphs are left out.

    Paragraphs whose spans no tagger could give back (two in one word, none in a word) are left out too,
    and a note says how many.

    Raises:
        DataError: a document belongs to no known split.
    """
    examples: dict[str, list[TaggedText]] = {"train": [], "dev": [], "test": []}
    refused: list[str] = []
    for document in documents:
        if document.split not in examples:
            raise DataError(f'{document.source} has the split "{document.split}"; known: train, dev, test')
        for text, spans in _paragraphs(document):
            try:
                examples[document.split].append(from_spans(text, spans, document.source))
            except DataError as error:
                refused.append(f"{document.source}: {error}")
    train, dev, test = (tuple(examples[name]) for name in ("train", "dev", "test"))
    return Splits(train, dev, test, _notes(examples, refused))


def _paragraphs(document: AnnotatedDocument) -> Iterable[tuple[str, list[Span]]]:
    """Paragraphs that hold the start of a span, with their spans counted from the paragraph's start."""
    start = 0
    for text in document.text.split("\n"):
        end = start + len(text)
        spans = [(low - start, high - start, label) for low, high, label in document.spans if start <= low <= end]
        if spans:
            yield text, spans
        start = end + 1


def _notes(examples: dict[str, list[TaggedText]], refused: list[str]) -> tuple[str, ...]:
    if not refused:
        return ()
    total = len(refused) + sum(map(len, examples.values()))
    return (f"{len(refused)} of {total} annotated paragraphs left out, the first being {refused[0]}",)
