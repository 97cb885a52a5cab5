import json

import pytest

from limbeck.evaluation.agreement import disagreements, pair_of_members

_WORDS = ((0, 3), (4, 7), (8, 12))


def test_most_different_first_with_entities_in_characters():
    """Examples picked by hand show what one hopes to see."""
    texts = [("Ann Lee runs", _WORDS)] * 4
    teacher = [["B-PER", "I-PER", "O"], ["O", "O", "O"], ["B-PER", "I-PER", "O"], ["B-PER", "O", "O"]]
    student = [["B-PER", "O", "O"], ["O", "O", "O"], ["O", "O", "O"], ["O", "O", "O"]]
    found = disagreements(texts, teacher, teacher, student)
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
    assert [row["index"] for row in disagreements(texts, none, tags, none)] == list(range(10))
    assert disagreements(texts, none, none, none) == []


@pytest.mark.parametrize(
    ("teacher", "student", "pair"),
    [([1, 2], [1, 2], (0, 0)), ([1, 2], [2, 1], (1, 0)), ([3, 2], [1, 2], (1, 1)), ([1], [2, 3], (0, 0))],
)
def test_members_of_one_seed_are_compared(teacher, student, pair):
    """A student beside a teacher that it never had shows how two teachers differ."""
    assert pair_of_members(teacher, student) == pair
