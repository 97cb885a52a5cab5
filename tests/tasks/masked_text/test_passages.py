import numpy as np
import pytest

from limbeck.tasks.masked_text.passages import FEWEST, hidden_in_turn, hidden_together, known_to_all, passages_of

TEXT = "\n".join(" ".join(f"w{line}x{place}," for place in range(length)) for line, length in enumerate((7, 8, 20, 31)))


def _passages(**fields):
    return passages_of([TEXT, "", "two words"], **{"longest": 10, "most": 100, "seed": 1, **fields})


def test_paragraphs_are_cut_evenly_and_scraps_left_out():
    """A passage of two words asks for a guess, not for what the text says."""
    lengths = sorted(len(passage.words) for passage in _passages())
    assert lengths == [8, 8, 8, 8, 10, 10]
    assert min(lengths) >= FEWEST
    for passage in _passages():
        assert [passage.text[start:end] for start, end in passage.words] == passage.text.split()


def test_the_draw_is_a_function_of_seed_and_text():
    """Two runs that examine models on other passages cannot be compared."""
    some = _passages(most=3)
    assert some == _passages(most=3) == _passages()[:3]
    assert [each.text for each in _passages(seed=2)] != [each.text for each in _passages()]
    assert {each.text for each in passages_of(["new text\n" * 9, TEXT], longest=10, most=99, seed=1)} == {
        each.text for each in _passages()
    }


@pytest.mark.parametrize(("share", "expected"), [(0.01, 1), (0.2, 2), (0.5, 5)])
def test_a_share_of_the_words_is_hidden(share, expected):
    """A passage of which nothing is hidden tells nothing, and looks as if it had been examined."""
    passage = next(each for each in _passages() if len(each.words) == 10)
    known = np.ones(10, dtype=bool)
    words = hidden_together(passage, known, share, 1)
    assert len(set(words.tolist())) == expected
    assert words.tolist() == sorted(words.tolist())
    assert (words == hidden_together(passage, known, share, 1)).all()


def test_words_that_a_model_does_not_know_are_not_hidden():
    """One that says "unknown" for every rare word would be right about all of them."""
    passage = next(each for each in _passages() if len(each.words) == 10)
    known = np.arange(10) < 2
    assert hidden_together(passage, known, 0.9, 1).tolist() == [0, 1]
    assert hidden_in_turn(passage, known, 5, 1).tolist() == [0, 1]
    assert (
        len(hidden_in_turn(passage, ~known & False, 5, 1)) == len(hidden_together(passage, ~known & False, 0.5, 1)) == 0
    )


def test_all_models_are_asked_the_same():
    """A model whose vocabulary lacks the hard words would be asked the easy ones only."""
    one, two = [np.array([True, True, False]), None], [np.array([True, False, True]), np.array([True])]
    both = known_to_all([one, two])
    assert both[0].tolist() == [True, False, False]
    assert both[1] is None
