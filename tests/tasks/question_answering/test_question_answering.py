import json

import numpy as np
import pytest

from limbeck.errors import DataError
from limbeck.tasks.encoded import encode_once
from limbeck.tasks.question_answering.answering import QuestionAnswering
from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.splits import Splits

TASK = QuestionAnswering()
TEXT = "the quick brown fox jumps over the lazy dog " * 4
FOX = Question("Who jumps?", TEXT, (("fox", 16), ("brown fox", 10), ("fox", 16)), "1", "Animals")
NONE = Question("Who sleeps?", TEXT, (), "2", "Animals")


def _logits(windows, nowhere=0.0):
    """A model that is right, and says "no answer" by `nowhere`."""
    found = []
    for window in windows.windows:
        logits = np.zeros((len(window.input_ids) + 3, 2), dtype=np.float32)  # three rows of padding
        logits[len(window.input_ids) :] = 99.0
        logits[window.nowhere] = nowhere
        if window.answer[0] != window.nowhere:
            logits[window.answer[0], 0] = logits[window.answer[1], 1] = 5.0
        found.append(logits)
    return found


def test_answers_over_all_windows(tokenizer):
    """The window that does not hold the answer must not outvote the one that does."""
    windows = TASK.encode([FOX, NONE, FOX], tokenizer, [], 40, 8)
    assert len(windows) >= 6
    first, none, last = TASK.decode([FOX, NONE, FOX], windows, _logits(windows, 1.0), [])
    assert first.said == "fox"
    assert TEXT[first.details["start"] : first.details["end"]] == "fox"
    assert 0.0 < first.details["score"] < 1.0
    assert 0.5 < first.certainty < 1.0
    assert first.details["best"][0]["text"] == "fox"
    assert first.details["no_answer_by"] == pytest.approx(2.0 - 10.0)
    assert none.said == ""
    assert "start" not in none.details
    assert 0.1 < none.certainty < 1.0
    assert (last.said, last.details) == (first.said, first.details)
    json.dumps([answer.row() for answer in (first, none)], allow_nan=False)


def test_silence_only_where_it_can_be_right(bert):
    """SQuAD 1.1 has an answer to every question: saying nothing is always wrong."""
    windows = TASK.encode([FOX], bert, [], 64, 8)
    (answer,) = TASK.decode([FOX], windows, _logits(windows, 50.0), [])
    assert answer.said == "fox"
    windows = TASK.encode([FOX, NONE], bert, [], 64, 8)
    assert [each.said for each in TASK.decode([FOX, NONE], windows, _logits(windows, 50.0), [])] == ["", ""]
    patient = QuestionAnswering(threshold=95.0)
    assert patient.decode([FOX, NONE], windows, _logits(windows, 50.0), [])[0].said == "fox"


def test_the_threshold_is_settled_on_development_data(bert):
    """At 0, a model that hardly ever says "no answer" by itself is never silent, and half of SQuAD 2.0 is lost."""
    examples = [FOX, NONE]
    windows = TASK.encode(examples, bert, [], 64, 8)
    answers = TASK.decode(examples, windows, _logits(windows, -3.0), [])
    assert [answer.said != "" for answer in answers] == [True, True]

    def rate(gold, said):
        return [float(word in right or (not right and not word)) for right, word in zip(gold, said, strict=True)]

    settled = TASK.settled(examples, answers, rate)
    ours, other = (answer.details["no_answer_by"] for answer in answers)
    assert ours <= settled["threshold"] < other
    again = QuestionAnswering(**settled).decode(examples, windows, _logits(windows, -3.0), [])
    assert [answer.said for answer in again] == ["fox", ""]
    assert TASK.settled([FOX], answers[:1], rate) == {}


def test_windows_are_remembered_by_how_they_were_made(bert):
    """Windows of another length of questions, taken for these, have their targets elsewhere."""
    asked = [Question("who jumps over the dog", TEXT)]
    made = [encode_once(QuestionAnswering(question_length=length), asked, bert, [], 40, 2) for length in (2, 4, 2)]
    assert [windows.windows[0].first for windows in made] == [4, 6, 4]
    assert made[0] is made[2]


def test_nothing_to_read_is_answered_by_nothing(bert):
    """An answer made up of an empty text is none."""
    empty = Question("Who?", "")
    windows = TASK.encode([empty], bert, [], 40, 2)
    (answer,) = TASK.decode([empty], windows, _logits(windows), [])
    assert (answer.said, answer.certainty) == ("", 1.0)
    json.dumps(answer.row(), allow_nan=False)


def test_targets_are_fields_of_a_batch(bert):
    """Padding that may be chosen takes its share of every probability."""
    windows = TASK.encode([FOX, Question("Who?", "fox", (("fox", 0),))], bert, [], 64, 8).windows
    targets = TASK.targets(windows, 70)
    assert targets["answers"].shape == (len(windows), 2)
    assert targets["choices"].shape == (len(windows), 70)
    for row, window in enumerate(windows):
        assert targets["answers"][row].tolist() == list(window.answer)
        assert targets["choices"][row].sum() == 1 + len(window.offsets)
        assert not targets["choices"][row, len(window.input_ids) - 1 :].any()
        assert targets["choices"][row, targets["answers"][row]].all()


def test_examples_survive_being_written():
    """A test set that comes back changed scores another model."""
    for example in (FOX, NONE):
        assert TASK.example(json.loads(json.dumps(TASK.row(example)))) == example
    assert [TASK.gold(FOX), TASK.gold(NONE)] == [("fox", "brown fox", "fox"), ()]


def test_the_baseline_is_learned_of_training(bert):
    """A baseline chosen on test data is no baseline."""
    assert TASK.guess(TASK.usual([FOX, NONE]), [FOX, NONE]) == ["", ""]
    assert TASK.guess(TASK.usual([FOX]), [FOX, NONE]) == [TEXT, TEXT]


def test_questions_are_told_apart():
    """What a student has lost may be lost in long answers alone."""
    lengths = [1, 2, 3, 4, 5, 6]
    words = TEXT.split()
    asked = [Question("Who?", TEXT, ((" ".join(words[:length]), 0),)) for length in lengths]
    parts = TASK.slices(asked, {})
    assert parts["words of the answer"] == [
        *["short (1-2)"] * 2,
        *["middle (3-4)"] * 2,
        *["long (5-6)"] * 2,
    ]
    assert set(parts) == {"words of the context", "words of the answer"}
    parts = TASK.slices([*asked, NONE], {})
    assert parts["words of the answer"][-1] == ""
    assert parts["answer"] == [*["there is one"] * 6, "there is none"]
    assert TASK.slices([], {}) == {"words of the context": [], "words of the answer": []}


def test_questions_without_any_answer_teach_nothing():
    """A model that learned to say nothing would be a perfect one on such data."""
    TASK.check_trainable(Splits((FOX, NONE), (NONE,), ()))
    with pytest.raises(DataError, match="none of the 1 training questions has an answer, so nothing can be learned"):
        TASK.check_trainable(Splits((NONE,), (FOX,), ()))
    with pytest.raises(DataError, match="the data has no dev examples"):
        TASK.check_trainable(Splits((FOX,), (), ()))
