import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_support import agrees, score

from limbeck.evaluation.metrics import measure_of

_TAG = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
_PAIRS = st.lists(st.lists(st.tuples(_TAG, _TAG), min_size=1, max_size=6), min_size=1, max_size=6)


@pytest.mark.parametrize("metric", ["f1", "precision", "recall", "f1_default"])
@given(pairs=_PAIRS)
def test_equal_to_seqeval(metric, pairs):
    """Scores that differ from those of papers cannot be compared with them, nor can their intervals."""
    from seqeval import metrics
    from seqeval.scheme import IOB2

    how = {} if metric == "f1_default" else {"mode": "strict", "scheme": IOB2}
    theirs = getattr(metrics, f"{metric.removesuffix('_default')}_score")
    gold, said = ([tuple(tags[side] for tags in pair) for pair in pairs] for side in (0, 1))

    def reference(gold, said):
        return theirs([list(tags) for tags in gold], [list(tags) for tags in said], zero_division=0, **how)

    agrees(metric, reference, gold, said, draws=3)


def test_default_mode_is_not_strict():
    """The two differ by a third on this example."""
    gold, said = [("B-PER", "I-PER", "O", "B-LOC")], [("I-PER", "I-PER", "O", "B-LOC")]
    assert score("f1", gold, said) == pytest.approx(2 / 3)
    assert score("f1_default", gold, said) == 1


def test_a_tagger_that_finds_nothing_is_noted():
    """An F1 of 0 may be bad luck; tags that are all the same are a training that failed."""
    gold = [("B-PER", "O"), ("O", "O")]
    assert measure_of("f1", gold, [("O", "O"), ("O", "O")]).notes == ("constant",)
    assert measure_of("f1", gold, gold).notes == ()
