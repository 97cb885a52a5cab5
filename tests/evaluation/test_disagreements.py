import json

import pytest

from limbeck.evaluation.disagreements import (
    answer_disagreements,
    class_disagreements,
    number_disagreements,
    tag_disagreements,
)

_WORDS = ((0, 3), (4, 7), (8, 12))


def test_most_different_first_with_entities_in_characters():
    """Examples picked by hand show what one hopes to see."""
    texts = [("Ann Lee runs", _WORDS)] * 4
    teacher = [["B-PER", "I-PER", "O"], ["O", "O", "O"], ["B-PER", "I-PER", "O"], ["B-PER", "O", "O"]]
    student = [["B-PER", "O", "O"], ["O", "O", "O"], ["O", "O", "O"], ["O", "O", "O"]]
    found = tag_disagreements(texts, teacher, teacher, student)
    assert [(row["index"], row["words"]) for row in found] == [(2, 2), (0, 1), (3, 1)]
    assert found[0] == {
        "index": 2,
        "text": "Ann Lee runs",
        "words": 2,
        "gold": [{"start": 0, "end": 7, "label": "PER"}],
        "teacher": [{"start": 0, "end": 7, "label": "PER"}],
        "student": [],
    }
    assert found[1]["student"] == [{"start": 0, "end": 3, "label": "PER"}]
    assert json.loads(json.dumps(found)) == found


def test_at_most_ten():
    """A report of every disagreement is read by nobody."""
    tags = [["O", "O", "B-PER"]] * 30
    none = [["O", "O", "O"]] * 30
    texts = [("Ann Lee runs", _WORDS)] * 30
    assert [row["index"] for row in tag_disagreements(texts, none, tags, none)] == list(range(10))
    assert tag_disagreements(texts, none, none, none) == []


def _answer(text, start=None, certainty=0.5):
    place = {} if start is None else {"start": start, "end": start + len(text)}
    return {"said": text, "certainty": certainty, **place}


CONTEXT = "The red fox and the fox cub saw Ann."
QUESTIONS = [
    {"question": question, "text": CONTEXT, "answers": answers}
    for question, answers in (
        ("who was seen?", (("Ann", 32),)),
        ("who saw?", (("red fox", 4), ("fox cub", 20), ("red fox", 4))),
        ("who ran?", ()),
    )
]


def test_answers_of_which_one_alone_is_right_come_first():
    """Two wrong answers that differ say less of what was lost than a right one and a wrong one."""
    teacher = [_answer("Ann", 32, 0.9), _answer("the fox", 16, 0.9), _answer("", certainty=0.6)]
    student = [_answer("Ann.", 32, 0.9), _answer("saw", 28, 0.9), _answer("Ann", 32, 0.4)]
    found = answer_disagreements(QUESTIONS, teacher, student, "en")
    assert [row["index"] for row in found] == [2, 1], "Ann and Ann. are the same answer, and both are right"
    assert found[0]["says"] == {
        "gold": {"said": ""},
        "teacher": {"said": "", "certainty": 0.6, "right": True},
        "student": {"said": "Ann", "certainty": 0.4, "right": False},
    }
    assert (found[0]["gold"], found[0]["teacher"]) == ([], [])
    assert found[0]["student"] == [{"start": 32, "end": 35, "label": "answer"}]
    assert found[1]["gold"] == [{"start": s, "end": s + 7, "label": "answer"} for s in (4, 20)]
    assert CONTEXT[16:23] == "the fox"
    assert json.loads(json.dumps(found)) == found


def test_classes_of_which_both_are_sure_come_first():
    """Where neither is sure, that they differ is no news."""
    gold = ["good", "bad", "bad"]
    teacher = [{"said": "good", "certainty": c} for c in (0.6, 0.9, 0.9)]
    student = [{"said": said, "certainty": c} for said, c in (("bad", 0.6), ("good", 0.9), ("bad", 0.8))]
    found = class_disagreements(["a", "b", "c"], gold, teacher, student)
    assert [(row["index"], row["text"]) for row in found] == [(2, "c"), (0, "a")]
    assert found[0]["says"]["gold"] == {"said": "bad"}
    assert [found[0]["says"][who]["right"] for who in ("teacher", "student")] == [False, True]
    assert len(class_disagreements(["a", "b", "c"], gold, teacher, student, limit=1)) == 1


def test_numbers_that_lie_farthest_apart_come_first():
    """Two numbers are never quite the same; most of their differences say nothing."""
    teacher, student = ([{"said": value, "certainty": None} for value in each] for each in ((0.1, 0.5), (0.2, 0.9)))
    found = number_disagreements(["a", "b"], [0.0, 1.0], teacher, student)
    assert [row["index"] for row in found] == [1, 0]
    assert found[0]["says"] == {"gold": {"said": 1.0}, "teacher": {"said": 0.5}, "student": {"said": 0.9}}


@pytest.mark.parametrize("certainty", [0.0, None])
def test_an_unsure_disagreement_is_one_all_the_same(certainty):
    """A weight of 0 would leave out what nobody is sure of."""
    one, other = ([{"said": said, "certainty": certainty}] for said in ("good", "bad"))
    assert len(class_disagreements(["a"], ["good"], one, other)) == 1
