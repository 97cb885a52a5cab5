"""Examples from records with a list of words and a list of tags: JSON Lines files and Hub data sets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from limbeck.config import did_you_mean
from limbeck.errors import DataError
from limbeck.tasks.lines import numbered_objects
from limbeck.tasks.token_classification.iob import is_tag, to_iob2
from limbeck.tasks.token_classification.tagged_text import TaggedText, from_words


def read_json_lines(path: str, tokens: str, tags: str) -> tuple[list[TaggedText], int]:
    """The examples of one file, and how many stray `I-` tags were read as `B-`.

    Raises:
        DataError: names file and line of what cannot be read.
    """
    return _examples(numbered_objects(path), tokens, tags, path)


def read_rows(rows: Any, name: str, columns: tuple[str, str]) -> tuple[list[TaggedText], int]:
    """The examples of one split of a Hub data set, by the columns of the words and of the tags; `name` for errors.

    Integer tags get the names that the data set's features give them.

    Raises:
        DataError: one of the records cannot be read.
    """
    tokens, tags = columns
    names = _class_names(rows.features.get(tags))
    records = ((f"{name}, record {number}", _named(row, tags, names)) for number, row in enumerate(rows, 1))
    return _examples(records, tokens, tags, f"{name},")


def _examples(
    records: Iterable[tuple[str, Mapping[str, Any]]], tokens: str, tags: str, source: str
) -> tuple[list[TaggedText], int]:
    examples, strays = [], 0
    for where, record in records:
        words, found = _strings(record, tokens, where), _strings(record, tags, where)
        if len(words) != len(found):
            raise DataError(f'{where} has {len(words)} "{tokens}" and {len(found)} "{tags}"; every word needs one tag')
        wrong = next((tag for tag in found if not is_tag(tag)), None)
        if wrong is not None:
            raise DataError(
                f'{where} has the tag "{wrong}", which is not IOB2 (O, B-TYPE, I-TYPE); convert the tags to IOB2'
            )
        fixed, stray = to_iob2(found)
        strays += stray
        examples.append(from_words(words, fixed))
    if not examples:
        raise DataError(f"{source} has no record; give records with words and tags")
    return examples, strays


def _strings(record: Mapping[str, Any], field: str, where: str) -> list[str]:
    if field not in record:
        raise DataError(f'{where} has no field "{field}"{did_you_mean(field, list(record))}')
    values = record[field]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DataError(
            f'{where} should have a list of strings as "{field}"; found {str(values)[:60]!r}. '
            "Integer tags need names: write the names in their place"
        )
    return values


def _class_names(feature: Any) -> Sequence[str] | None:
    """Names of the classes where the column is a list of class labels."""
    return getattr(getattr(feature, "feature", None), "names", None)


def _named(row: Mapping[str, Any], field: str, names: Sequence[str] | None) -> Mapping[str, Any]:
    return row if names is None or field not in row else {**row, field: [names[index] for index in row[field]]}
