from limbeck.evaluation.per_label import class_rows, label_rows


def test_labels_by_hand_over_two_members():
    """A label that one member never finds should lower the pooled recall by half."""
    gold = [["B-A", "O", "B-B"], ["B-A"]]
    members = [[["B-A", "O", "B-B"], ["B-A"]], [["O", "O", "B-B"], ["B-C"]]]
    rows = {row["label"]: row for row in label_rows("student", gold, members)}
    assert rows["A"] == {"model": "student", "label": "A", "precision": 1, "recall": 0.5, "f1": 2 / 3, "support": 2}
    assert (rows["B"]["f1"], rows["B"]["support"]) == (1, 1)
    assert (rows["C"]["precision"], rows["C"]["support"]) == (0, 0)


def test_classes_by_hand_over_two_members():
    """A class that is never said has a recall of 0, and one that nobody should say a support of 0."""
    rows = {row["label"]: row for row in class_rows("student", list("aab"), [list("aab"), list("aac")])}
    assert rows["a"] == {"model": "student", "label": "a", "precision": 1, "recall": 1, "f1": 1, "support": 2}
    assert (rows["b"]["precision"], rows["b"]["recall"], rows["b"]["support"]) == (1, 0.5, 1)
    assert (rows["c"]["precision"], rows["c"]["f1"], rows["c"]["support"]) == (0, 0, 0)
    assert class_rows("student", list("aab"), []) == []
