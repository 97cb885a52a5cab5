import json

import numpy as np
import pytest

from limbeck.decoding.classes import probabilities
from limbeck.errors import DataError
from limbeck.tasks.data import task_named
from limbeck.tasks.sequence_classification.encoding import LabelledWindow
from limbeck.tasks.sequence_classification.labelled_text import LabelledText
from limbeck.tasks.splits import Splits
from limbeck.windows.window import Windows


def _labelled(*targets):
    return tuple(LabelledText(f"text {number}", target=target) for number, target in enumerate(targets))


def _windows(count):
    return Windows(tuple(LabelledWindow(example=number, input_ids=np.array([1])) for number in range(count)))


@pytest.fixture
def classes():
    """The task."""
    return task_named("sequence_classification")


@pytest.fixture
def numbers():
    """The task."""
    return task_named("regression")


def test_softmax_by_hand():
    """Probabilities that do not add up to one cannot be compared with how often the model is right."""
    assert probabilities(np.array([[0.0, np.log(3)]])).tolist() == [[0.25, pytest.approx(0.75)]]
    assert probabilities(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]
    assert probabilities(np.array([[5.0, 6.0]])) == pytest.approx(probabilities(np.array([[105.0, 106.0]])))


def test_a_class_and_its_probability(classes):
    """The certainty of another class than the one said makes a calibration curve nonsense."""
    logits = [np.array([0, np.log(3)], np.float32), np.array([2, 0], np.float32)]
    first, second = classes.decode(_labelled("a", "b"), _windows(2), logits, ["no", "yes"])
    assert (first.said, second.said) == ("yes", "no")
    assert first.certainty == pytest.approx(0.75)
    assert first.details == {"probabilities": {"no": pytest.approx(0.25), "yes": pytest.approx(0.75)}}
    assert json.loads(json.dumps(first.row()))["said"] == "yes"


def test_a_number(numbers):
    """A number is said as it is, in Python's own type: NumPy's is no JSON."""
    answers = numbers.decode(_labelled(1.0, 2.0), _windows(2), [np.array([1.5], np.float32)] * 2, [])
    assert [answer.row() for answer in answers] == [{"said": 1.5, "certainty": None}] * 2
    assert json.dumps(answers[0].row())


def test_no_examples_no_answers(classes, numbers):
    """An empty test set is said elsewhere, in a sentence."""
    assert classes.decode([], _windows(0), [], ["a", "b"]) == numbers.decode([], _windows(0), [], []) == []


def test_the_trivial_baselines(classes, numbers):
    """A model that is no better than the most frequent class, or the mean, has learned nothing."""
    usual = classes.usual(_labelled("b", "a", "b", "a", "c"))
    assert usual == "a"
    assert classes.guess(usual, _labelled("x", "y")) == ["a", "a"]
    usual = json.loads(json.dumps(numbers.usual(_labelled(1.0, 2.0, 6.0))))
    assert numbers.guess(usual, _labelled(1.0)) == [3.0]


@pytest.mark.parametrize("name", ["sequence_classification", "regression"])
def test_examples_come_back_from_a_file(name):
    """Test examples that change on the way through a file are other examples."""
    task = task_named(name)
    for example in (
        LabelledText("a\t\u2028", "b", "yes", "doc"),
        LabelledText("", target=0.1),
        LabelledText("🙂"),
    ):
        assert task.example(json.loads(json.dumps(task.row(example)))) == example


def test_what_metrics_read(classes, numbers):
    """A class as a number, or a number as a string, is never right."""
    assert [classes.gold(example) for example in _labelled("1")] == ["1"]
    assert [numbers.gold(example) for example in _labelled(1.0)] == [1.0]


def test_one_class_only_is_refused(classes):
    """A model of one class is always right, and knows nothing."""
    with pytest.raises(
        DataError, match='all 2 training examples have the label "a", so there is nothing to tell apart'
    ):
        classes.check_trainable(Splits(_labelled("a", "a"), _labelled("a"), ()))


def test_one_number_only_is_refused(numbers):
    """A constant has no correlation with anything."""
    with pytest.raises(DataError, match=r"all 3 training examples have the number 2\.5, so there is nothing to learn"):
        numbers.check_trainable(Splits(_labelled(2.5, 2.5, 2.5), _labelled(1.0), ()))
    numbers.check_trainable(Splits(_labelled(2.5, 1.0), _labelled(7.0), _labelled(9.0)))


@pytest.mark.parametrize(("part", "name"), [("dev", "development"), ("test", "test")])
def test_labels_that_training_never_saw_are_named(classes, part, name):
    """A class that the model cannot say lowers every score by the same amount, and nobody asks why."""
    parts = {"train": _labelled("a", "b"), "dev": _labelled("a"), "test": _labelled("a")}
    parts[part] = _labelled("a", "c", "c", "d")
    with pytest.raises(
        DataError, match=rf'the {name} examples have labels .*: "c" \(2\), "d" \(1\); it knows "a", "b"'
    ):
        classes.check_trainable(Splits(**parts))


def test_development_examples_are_needed(classes):
    """Without them the best seed would be chosen on the test set."""
    with pytest.raises(DataError, match="has no dev examples"):
        classes.check_trainable(Splits(_labelled("a", "b"), (), ()))
