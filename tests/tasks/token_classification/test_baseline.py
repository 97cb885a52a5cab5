from limbeck.tasks.token_classification.baseline import look_up, usual_tags


def test_most_frequent_tag_of_each_word():
    """A teacher that only remembers words would pass for one that understands."""
    words = [["Ann", "May", "ran"], ["May", "May", "x"]]
    tags = [["B-PER", "O", "O"], ["B-PER", "B-PER", "O"]]
    found = look_up(usual_tags(words, tags), [["May", "ran", "Bo", "Ann"], []])
    assert found == [["B-PER", "O", "O", "B-PER"], []]


def test_ties_do_not_depend_on_the_order():
    """A baseline that changes when a file is sorted anew is no baseline."""
    for tags in (["O", "B-PER"], ["B-PER", "O"]):
        assert usual_tags([["a", "a"]], [tags]) == {"a": "B-PER"}
