from limbeck.evaluation.per_label import label_rows


def test_labels_by_hand_over_two_members():
    """A label that one member never finds should lower the pooled recall by half."""
    gold = [["B-A", "O", "B-B"], ["B-A"]]
    members = [[["B-A", "O", "B-B"], ["B-A"]], [["O", "O", "B-B"], ["B-C"]]]
    rows = {row["label"]: row for row in label_rows("student", gold, members)}
    assert rows["A"] == {"model": "student", "label": "A", "precision": 1, "recall": 0.5, "f1": 2 / 3, "support": 2}
    assert (rows["B"]["f1"], rows["B"]["support"]) == (1, 1)
    assert (rows["C"]["precision"], rows["C"]["support"]) == (0, 0)
