import pytest

from limbeck.evaluation.agreement import agreement_rows, pair_of_members, pairs_of_members


@pytest.mark.parametrize(
    ("teacher", "student", "pair"),
    [([1, 2], [1, 2], (0, 0)), ([1, 2], [2, 1], (1, 0)), ([3, 2], [1, 2], (1, 1)), ([1], [2, 3], (0, 0))],
)
def test_members_of_one_seed_are_compared(teacher, student, pair):
    """A student beside a teacher that it never had shows how two teachers differ."""
    assert pair_of_members(teacher, student) == pair


def test_agreement_by_hand():
    """A student that is wrong where its teacher is wrong has learnt its mistakes; a share of right answers hides it."""
    gold = list("aaaaaaaaaa")
    said = {"teacher": [list("aaaaaabbbb")], "student": [list("aaabbbbbaa")]}
    (row,) = agreement_rows(gold, said, {"teacher": [1], "student": [1]}, ["student"], resamples=1000)
    assert (row["student"], row["pairs"], row["same"]) == ("student", 1, 0.5)
    assert (row["where_teacher_right"], row["where_teacher_wrong"]) == (0.5, 0.5)
    assert row["same_ci95"][0] < 0.5 < row["same_ci95"][1]
    assert set(row) >= {"where_teacher_right_ci95", "where_teacher_wrong_ci95"}


def test_agreement_is_of_members_of_one_seed():
    """Beside another seed's teacher it would also show how teachers differ from each other."""
    assert pairs_of_members([1, 2], [2, 3, 1]) == [(1, 0), (0, 2)]
    assert pairs_of_members([1, 2], [5, 6]) == [(0, 0)]
    said = {"teacher": [list("ab"), list("ba")], "student": [list("ab"), list("ab")]}
    (row,) = agreement_rows(list("ab"), said, {"teacher": [1, 2], "student": [1, 2]}, ["student"], resamples=1000)
    assert (row["pairs"], row["same"]) == (2, 0.5)


def test_agreement_without_anything_to_agree_on():
    """A teacher that is never wrong has no examples where it is, and numbers are never quite the same."""
    said = {"teacher": [list("ab")], "student": [list("ab")]}
    (row,) = agreement_rows(list("ab"), said, {"teacher": [1], "student": [1]}, ["student"], resamples=1000)
    assert (row["where_teacher_right"], row["where_teacher_wrong"], row["where_teacher_wrong_ci95"]) == (1, None, None)
    said = {"teacher": [[0.5, 0.7]], "student": [[0.5, 0.7]]}
    assert agreement_rows([0.5, 0.8], said, {"teacher": [1], "student": [1]}, ["student"]) == []


def test_tags_agree_as_a_whole():
    """A text with one different tag is a different answer."""
    gold = [("O", "B-X"), ("O", "O")]
    said = {"teacher": [[("O", "B-X"), ("O", "O")]], "student": [[("O", "O"), ("O", "O")]]}
    (row,) = agreement_rows(gold, said, {"teacher": [1], "student": [1]}, ["student"], resamples=1000)
    assert (row["same"], row["where_teacher_right"]) == (0.5, 0.5)
