import numpy as np

from limbeck.benchmarks.cells import conditions, mixed, uniform


def test_every_batch_at_every_length_and_a_mix():
    """A condition that is silently skipped is missing from the table that users choose by."""
    cells = conditions([32, 1], [8, "maximum"], longest=40, in_mix=6)
    assert [(cell.batch, cell.length) for cell in cells] == [
        (1, 8),
        (1, 40),
        (32, 8),
        (32, 40),
        ("mixed", "mixed"),
    ]
    assert cells[-1].sequences == 6


def test_lengths_beyond_the_model_are_timed_at_its_maximum_once():
    """More positions than a model has end in an index error after minutes of timing."""
    cells = conditions([1], [32, 128, "maximum"], longest=40, in_mix=0)
    assert [cell.length for cell in cells] == [32, 40]


def test_inputs_are_words_of_the_vocabulary_and_masked_padding():
    """Unmasked padding is timed as if it were text; an id beyond the vocabulary crashes."""
    ((ids_BT, mask_BT),) = mixed([2, 5]).inputs(vocabulary=9)
    assert mask_BT.tolist() == [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]
    assert ids_BT.dtype == mask_BT.dtype == np.int64
    assert (ids_BT[mask_BT == 0] == 0).all()
    assert set(ids_BT[mask_BT == 1].tolist()) <= set(range(5, 9))
    ((tiny_BT, _),) = uniform(1, 4).inputs(vocabulary=3)
    assert tiny_BT.max() < 3
