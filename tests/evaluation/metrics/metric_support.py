"""A measure beside a reference: on the examples as they are, and on draws of them."""

import warnings

import numpy as np

from limbeck.evaluation.measures import point
from limbeck.evaluation.metrics import measure_of


def score(metric, gold, said, language=""):
    """On the examples as they are."""
    return point(measure_of(metric, gold, said, language))


def agrees(metric, reference, gold, said, draws=20):
    """Whether the score is the reference's, and that of each resample the reference's on the examples drawn."""
    measure = measure_of(metric, gold, said)
    weights = np.random.default_rng(len(gold)).multinomial(len(gold), [1 / len(gold)] * len(gold), size=draws)
    found = [point(measure), *measure.values(weights.astype(np.float64))]
    samples = [range(len(gold)), *(np.repeat(np.arange(len(gold)), row) for row in weights)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = [reference([gold[i] for i in sample], [said[i] for i in sample]) for sample in samples]
    assert np.abs(np.array(found) - np.nan_to_num(wanted)).max() < 1e-9, list(zip(found, wanted, strict=True))
