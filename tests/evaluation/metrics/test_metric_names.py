import pytest

from limbeck.errors import DataError
from limbeck.evaluation.metrics import METRICS, measure_of, shown


def test_what_recipes_may_name():
    """A name that disappears breaks the recipes that have it."""
    assert list(METRICS) == [
        "f1", "precision", "recall", "f1_default", "squad_f1", "squad_em", "accuracy", "binary_f1", "macro_f1", "mcc",
        "pearson", "spearman", "pearson_spearman", "ar", "krippendorff_interval", "krippendorff_nominal",
    ]  # fmt: skip


def test_names_for_readers():
    """Two metrics under one name make two tables that cannot be told apart."""
    assert shown("f1") == "F1"
    assert shown("mcc") == "Matthews correlation"
    assert shown("perplexity") == "perplexity"
    assert len({metric.shown for metric in METRICS.values()}) == len(METRICS)


def test_an_unknown_name():
    """A typo must not end in a stack trace after hours of training."""
    with pytest.raises(DataError, match='no metric "acc"; use one of f1, precision'):
        measure_of("acc", ["a"], ["a"])


@pytest.mark.parametrize("metric", METRICS)
def test_predictions_of_other_data_are_refused(metric):
    """Predictions of other examples give a plausible number that means nothing."""
    with pytest.raises(DataError, match="1 predictions for 2 examples"):
        measure_of(metric, ["1", "2"], ["1"])
    with pytest.raises(DataError, match="there are no examples"):
        measure_of(metric, [], [])
