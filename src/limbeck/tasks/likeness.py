"""Texts whose vectors are compared: pairs with a number, and questions with the paragraphs of their files."""

from collections.abc import Sequence

from limbeck.errors import DataError
from limbeck.tasks.question_answering.squad_files import read_squad
from limbeck.tasks.raw_data import Retrieval, Similarity
from limbeck.tasks.sequence_classification.labelled_text import LabelledText
from limbeck.tasks.sequence_classification.table_rows import read_rows
from limbeck.tasks.sequence_classification.targets import examples_of
from limbeck.tasks.sources import each


def read_pairs(spec: Similarity) -> tuple[list[LabelledText], list[str]]:
    """Pairs of texts with a number, and sentences about what was repaired or left out.

    Raises:
        DataError: a file cannot be read, or lacks a column.
    """
    pairs: list[LabelledText] = []
    notes: list[str] = []
    for path in each(spec.test):
        rows, repaired = read_rows(path, spec.columns.wanted, form=spec.format, header=spec.header)
        found, empty = examples_of(rows, path, "number", {})
        pairs += found
        notes += [*repaired, *empty]
    return pairs, notes


def read_questions(spec: Retrieval) -> tuple[list[str], list[str], list[int], list[str]]:
    """Questions, the different paragraphs of all files, which of them each question was asked about, and notes.

    Raises:
        DataError: a file cannot be read, or there is nothing to choose from.
    """
    questions: list[str] = []
    asked_about: list[str] = []
    notes: list[str] = []
    for path in each(spec.test):
        found, repaired = read_squad(path)
        questions += [question.question for question in found]
        asked_about += [question.text for question in found]
        notes += repaired
    paragraphs = list(dict.fromkeys(asked_about))
    if len(paragraphs) < 2:
        raise DataError(
            f"{_listed(each(spec.test))} has {len(paragraphs)} paragraph, and a question's own is to be found among"
            " several; give files with more"
        )
    number = {text: place for place, text in enumerate(paragraphs)}
    return questions, paragraphs, [number[text] for text in asked_about], notes


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths)
