"""Questions from files: SQuAD's JSON of articles and paragraphs, and JSON Lines with a question each."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from limbeck.config import did_you_mean
from limbeck.errors import DataError
from limbeck.tasks.lines import numbered_lines
from limbeck.tasks.question_answering.placing import Row, questions_of
from limbeck.tasks.question_answering.question import Placed, Question


def read_squad(path: str) -> tuple[list[Question], tuple[str, ...]]:
    """The questions of one file, and sentences about what was repaired or left out.

    `.jsonl` and `.jsonl.gz` hold one flat row a line, anything else one JSON object with `data`: articles of
    paragraphs of questions, SQuAD 1.1 or 2.0. Fields that are not SQuAD's are not read.

    Raises:
        DataError: names the file and the place of what cannot be read; see also `questions_of`.
    """
    if path.removesuffix(".gz").endswith(".jsonl"):
        return questions_of(_lines(path), path)
    return questions_of(_articles(path), path)


def read_rows(rows: Iterable[object], name: str) -> tuple[list[Question], tuple[str, ...]]:
    """The questions of one split of a Hub data set, and sentences about what was repaired or left out.

    Columns: `question`, `context`, `answers` with `text` and `answer_start`; `id`, `title` and `is_impossible` if any.

    Raises:
        DataError: names the record that cannot be read; see also `questions_of`.
    """
    return questions_of((_flat(row, f"{name}, record {number}") for number, row in enumerate(rows, 1)), name)


def _flat(record: object, where: str) -> Row:
    title = _field(record, "title", str, where, "")
    return _row(record, _field(record, "context", str, where), title, where)


def _articles(path: str) -> Iterator[Row]:
    text = "\n".join(line for _, line in numbered_lines(path))
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise DataError(
            f"{path} is not JSON ({error}); give a file in the form of SQuAD, or JSON Lines as .jsonl"
        ) from None
    for article, where in _each(whole, "data", path, "article"):
        title = _field(article, "title", str, where, "")
        for paragraph, below in _each(article, "paragraphs", where, "paragraph"):
            context = _field(paragraph, "context", str, below)
            for record, place in _each(paragraph, "qas", below, "question"):
                yield _row(record, context, title, place)


def _lines(path: str) -> Iterator[Row]:
    for number, line in numbered_lines(path):
        if line.strip():
            where = f"{path}:{number}"
            try:
                record = json.loads(line)
            except ValueError as error:
                raise DataError(f"{where} is not JSON ({error}); give one JSON object a line") from None
            yield _flat(record, where)


def _row(record: Any, context: str, title: str, where: str) -> Row:
    question = _field(record, "question", str, where)
    id_ = str(_field(record, "id", str | int, where, ""))
    impossible = _field(record, "is_impossible", bool, where, False)
    answers = () if impossible else _answers(_field(record, "answers", list | dict, where), where)
    return Row(f"{where}, id {id_}" if id_ else where, id_, title, question, context, answers)


def _answers(given: Any, where: str) -> tuple[Placed, ...]:
    """Of a list of answers, or of a mapping to a list of texts and one of starts."""
    if isinstance(given, list):
        return tuple(
            (_field(answer, "text", str, where), _field(answer, "answer_start", int, where)) for answer in given
        )
    texts, starts = (_field(given, name, list, where) for name in ("text", "answer_start"))
    if len(texts) != len(starts):
        raise DataError(
            f"{where} has {len(texts)} texts and {len(starts)} answer_start; every answer needs one of each"
        )
    return _answers([{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)], where)


def _each(value: Any, name: str, where: str, singular: str) -> Iterator[tuple[Any, str]]:
    """The entries of a list, each with its place."""
    for number, entry in enumerate(_field(value, name, list, where), 1):
        yield entry, f"{where}, {singular} {number}"


_REQUIRED: Any = object()


def _field(value: Any, name: str, kind: Any, where: str, default: Any = _REQUIRED) -> Any:
    """A field of a JSON object; where it may be missing, null counts as that."""
    if not isinstance(value, Mapping):
        raise DataError(f"{where} is a JSON {type(value).__name__}, and should be an object with {name}")
    found = value.get(name)
    if found is None and default is not _REQUIRED:
        return default
    if name not in value:
        raise DataError(f'{where} has no field "{name}"{did_you_mean(name, _names(value))}')
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise DataError(f'{where} has {str(found)[:60]!r} as "{name}", and should have {_WORDS[kind]}')
    return found


def _names(value: Mapping[str, Any]) -> Sequence[str]:
    return [str(name) for name in value]


_WORDS = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    str | int: "a text",
    list | dict: "a list of answers",
}
