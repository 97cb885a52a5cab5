"""What single labels and single examples show: scores by label, and where student and teacher differ."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.stages.evaluate.testing import TestSet

if TYPE_CHECKING:
    from limbeck.evaluation.findings import Answered
    from limbeck.tasks.answer import Answer

Answers = Mapping[str, Sequence[Sequence["Answer"]]]
"""Name of a model to the answers of each of its members."""


def label_rows_of(answered: "Answered") -> list[dict[str, Any]]:
    """Scores of every type of entity or class, of every model; none where the task has no labels."""
    from limbeck.evaluation.per_label import class_rows, label_rows

    rows_of = {"token_classification": label_rows, "sequence_classification": class_rows}.get(answered.task)
    if rows_of is None:
        return []
    about = {"task": answered.task, "data": answered.data}
    rows = [row for model, members in answered.said.items() for row in rows_of(model, answered.gold, members)]
    return [about | row for row in rows]


def disagreements_of(test: TestSet, answered: "Answered", answers: Answers) -> list[dict[str, Any]]:
    """The examples on which the first student and the teacher of its seed differ most."""
    from limbeck.evaluation.agreement import pair_of_members
    from limbeck.evaluation.trial import ROLES

    student = next((model for model, members in answers.items() if model not in ROLES and members), None)
    if student is None or not answers.get("teacher"):
        return []
    first, second = pair_of_members(answered.seeds["teacher"], answered.seeds[student])
    found = _disagreements(test, answered, answers["teacher"][first], answers[student][second])
    return [{"task": answered.task, "data": answered.data} | row for row in found]


def _disagreements(
    test: TestSet, answered: "Answered", teacher: Sequence["Answer"], student: Sequence["Answer"]
) -> list[dict[str, Any]]:
    from limbeck.evaluation import disagreements as differing

    examples, gold = test.examples, answered.gold
    texts = [example.text for example in examples]
    ours, theirs = ([answer.row() for answer in each] for each in (teacher, student))
    match answered.task:
        case "token_classification":
            words = [(example.text, example.words) for example in examples]
            tags, others = ([row["said"] for row in each] for each in (ours, theirs))
            return differing.tag_disagreements(words, gold, tags, others)
        case "question_answering":
            asked = [test.task.row(example) for example in examples]
            return differing.answer_disagreements(asked, ours, theirs, answered.language)
        case "sequence_classification":
            return differing.class_disagreements(texts, gold, ours, theirs)
        case "regression":
            return differing.number_disagreements(texts, gold, ours, theirs)
    return []
