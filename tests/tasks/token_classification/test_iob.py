from limbeck.tasks.token_classification.iob import is_tag, label_set, to_iob2


def test_a_stray_inside_tag_begins_an_entity_and_is_counted():
    """A repair that nobody hears of hides a damaged file."""
    tags = ["I-PER", "I-PER", "O", "I-LOC", "I-PER", "B-PER", "I-PER"]
    assert to_iob2(tags) == (("B-PER", "I-PER", "O", "B-LOC", "B-PER", "B-PER", "I-PER"), 3)


def test_clean_tags_stay():
    """A repair of what is sound would change the gold entities."""
    tags = ("B-PER", "I-PER", "B-PER", "O", "B-LOC")
    assert to_iob2(tags) == (tags, 0)


def test_only_iob2_is_a_tag():
    """A column of parts of speech read as tags trains a model of nonsense."""
    assert all(map(is_tag, ["O", "B-PER", "I-creative-work"]))
    assert not any(map(is_tag, ["", "-", "B-", "PER", "S-PER", "E-PER", "o", "b-PER"]))


def test_labels_are_sorted_and_complete():
    """Labels in the order of first sight differ between machines and seeds."""
    assert label_set([["O", "I-z"], ["B-a"]]) == ["O", "B-a", "I-a", "B-z", "I-z"]
