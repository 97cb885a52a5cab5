"""Sentences from files with one word a line, its tag in a column, and a blank line after each sentence."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from limbeck.errors import DataError
from limbeck.tasks.lines import numbered_lines
from limbeck.tasks.token_classification.iob import is_tag, to_iob2
from limbeck.tasks.token_classification.tagged_text import TaggedText, from_words


@dataclass
class _Sentence:
    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    document: int = 0


def read_iob(path: str, token: int, tag: int) -> tuple[list[TaggedText], int]:
    """The sentences of one file, and how many stray `I-` tags were read as `B-`; columns count from 0.

    Columns are parted by tabs if the file has any, otherwise by white space. A line that starts with `# `
    is a comment if it has no tab and no tag in its tag column. Comments `# newdoc` and lines `-DOCSTART-`
    begin a document, whose sentences form one group.

    Raises:
        DataError: names file and line of what cannot be read: `numbered_lines`, another number of columns
            than the first row has, a tag that is not IOB2; or no sentence in the file.
    """
    examples, strays = [], 0
    for sentence in _sentences(path, token, tag):
        tags, stray = to_iob2(sentence.tags)
        strays += stray
        group = f"{Path(path).name}#{sentence.document}" if sentence.document else ""
        examples.append(from_words(sentence.words, tags, group))
    if not examples:
        raise DataError(f"{path} has no sentence; give a file with one word and its tag a line")
    return examples, strays


def _sentences(path: str, token: int, tag: int) -> Iterator[_Sentence]:
    lines = list(numbered_lines(path))
    separator = "\t" if any("\t" in line for _, line in lines) else None
    sentence, columns = _Sentence(), 0
    for number, line in lines:
        fields = line.split(separator)
        comment = _is_comment(line, fields, tag)
        new_document = fields[:1] == ["-DOCSTART-"] or (comment and line.startswith("# newdoc"))
        if sentence.words and (not line.strip() or new_document):
            yield sentence
            sentence = _Sentence(document=sentence.document)
        if new_document:
            sentence.document += 1
        elif line.strip() and not comment:
            columns = columns or len(fields)
            _check(fields, columns, max(token, tag), tag, f"{path}:{number}", separator)
            sentence.words.append(fields[token])
            sentence.tags.append(fields[tag])
    if sentence.words:
        yield sentence


def _is_comment(line: str, fields: list[str], tag: int) -> bool:
    return line.startswith("# ") and "\t" not in line and not (tag < len(fields) and is_tag(fields[tag]))


def _check(fields: list[str], columns: int, last: int, tag: int, where: str, separator: str | None) -> None:
    parted = "tabs" if separator else "white space"
    if len(fields) <= last:
        raise DataError(
            f"{where} has no column {last} (counted from 0, parted by {parted}), only {len(fields)} in all; "
            "complete the line, or correct data.columns"
        )
    if len(fields) != columns:
        raise DataError(
            f"{where} has {len(fields)} columns (parted by {parted}), the lines before it {columns}; correct the line"
        )
    if not is_tag(fields[tag]):
        raise DataError(
            f'{where} has "{fields[tag]}" in its tag column (column {tag}, from 0), which is not an IOB2 tag '
            "(O, B-TYPE, I-TYPE); correct data.columns, or convert the tags to IOB2"
        )
