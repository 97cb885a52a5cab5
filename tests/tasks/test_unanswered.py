"""Examples that nobody has labelled, of every task."""

import numpy as np
import pytest

import tiny_tokenizers
from limbeck.errors import RecipeError
from limbeck.objectives.hard_labels import HardLabels
from limbeck.objectives.soft_labels import SoftLabels
from limbeck.signals import UNKNOWN
from limbeck.tasks.batches import window_batch
from limbeck.tasks.data import task_named
from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.sequence_classification.labelled_text import LabelledText
from limbeck.tasks.token_classification.tagged_text import from_words

TEXTS = ["the old house by the river", "who lives in the green garden"]
EXAMPLES = {
    "token_classification": (from_words(["the", "old", "house"], ["O", "B-X", "I-X"]), ["O", "B-X", "I-X"]),
    "sequence_classification": (LabelledText(*TEXTS, "good"), ["bad", "good"]),
    "regression": (LabelledText(*TEXTS, 1.5), []),
    "question_answering": (Question(TEXTS[1], TEXTS[0], (("house", 8),)), []),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_hard_labels_are_silent_and_the_teacher_is_asked(name):
    """A forgotten label that is learned as the first class, as 0, or as "no answer", is a lie that trains."""
    task, (example, labels) = task_named(name), EXAMPLES[name]
    tokenizer = tiny_tokenizers.bert(TEXTS * 4, 120)
    both = [example, task.unanswered(example)]
    windows = task.encode(both, tokenizer, labels, 64, 8)
    batch = window_batch(task, windows, range(len(windows)), 0)
    known = window_batch(task, windows, [0], 0)
    assert HardLabels().count(batch) == HardLabels().count(known) > 0
    soft = SoftLabels(loss="mse")
    assert soft.count(batch) == 2 * soft.count(known)
    unknown = batch.targets.numpy()
    assert (np.isnan(unknown) if name == "regression" else unknown == UNKNOWN).sum() == soft.count(known)
    assert np.array_equal(windows.windows[0].input_ids, windows.windows[1].input_ids)


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_read_stays(name):
    """An example that loses its text with its label is another example."""
    task, (example, _) = task_named(name), EXAMPLES[name]
    assert task.texts(task.unanswered(example)) == task.texts(example)
    assert task.unanswered(task.example(task.row(task.unanswered(example)))) == task.unanswered(example)


def test_plain_text_asks_for_tags_and_classes_but_has_no_questions():
    """A corpus that is read as questions without answers would teach never to answer."""
    for name in ("token_classification", "sequence_classification", "regression"):
        task = task_named(name)
        plain = task.plain("the old house.")
        assert task.texts(plain) == ("the old house.",)
        assert task.unanswered(plain) == plain
    assert task_named("token_classification").plain("a b.").tags == ("?",) * 3
    with pytest.raises(RecipeError, match="a corpus asks no questions"):
        task_named("question_answering").plain("a b.")
