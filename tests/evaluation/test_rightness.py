from limbeck.evaluation.rightness import right, wholly_right


def test_each_kind_of_answer():
    """An answer that is right by one rule here and by another in its score cannot be explained."""
    found = right([("O", "B-X"), ("O",)], [("O", "O"), ("O",)])
    assert [example.tolist() for example in found or []] == [[True, False], [True]]
    found = right([("The fox", "dog"), (), ()], ["fox!", "", "cat"])
    assert [example.tolist() for example in found or []] == [[True], [True], [False]]
    found = right(["a", "b"], ["a", "a"])
    assert [example.tolist() for example in found or []] == [[True], [False]]
    assert right([0.5, 1.0], [0.5, 2.0]) is None


def test_wholly_right():
    """A text with one wrong tag is not right."""
    found = wholly_right([("O", "B-X"), ("O",)], [("O", "O"), ("O",)])
    assert found is not None
    assert found.tolist() == [False, True]
    assert wholly_right([0.5], [0.5]) is None
    assert right([("北京",)], ["北 京"], "zh") is not None
