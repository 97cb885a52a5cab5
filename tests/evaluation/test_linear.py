import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from limbeck.evaluation.linear import STRENGTH, fit_linear

RANDOM = np.random.default_rng(0)
CLASSES = RANDOM.integers(3, size=400)
FEATURES = RANDOM.normal(size=(400, 5)) * [1, 10, 0.1, 1, 1] + CLASSES[:, None] * [0.7, 5, 0, 0, 0]


def test_it_is_scikit_learns():
    """A classifier that stops short of its optimum makes one encoder look worse than another by chance."""
    scaled = (FEATURES - FEATURES.mean(0)) / FEATURES.std(0)
    theirs = LogisticRegression(C=1 / (STRENGTH * len(CLASSES)), tol=1e-10, max_iter=10_000).fit(scaled, CLASSES)
    ours = fit_linear(FEATURES, CLASSES, 3)
    new = RANDOM.normal(size=(50, 5)) * 5
    logits = theirs.decision_function((new - FEATURES.mean(0)) / FEATURES.std(0))
    assert ours.logits(new) - ours.logits(new).mean(1, keepdims=True) == pytest.approx(
        logits - logits.mean(1, keepdims=True), abs=1e-3
    )


def test_the_unit_of_a_feature_does_not_matter():
    """An encoder whose vectors are short would be pulled to zero harder than one whose are long."""
    assert fit_linear(FEATURES * 1000 + 7, CLASSES, 3).logits(FEATURES * 1000 + 7) == pytest.approx(
        fit_linear(FEATURES, CLASSES, 3).logits(FEATURES), abs=1e-3
    )


def test_a_feature_that_never_changes_tells_nothing():
    """Divided by its spread of zero, it would turn every logit into NaN."""
    still = np.concatenate([FEATURES, np.full((400, 1), 3.0)], axis=1)
    logits = fit_linear(still, CLASSES, 3).logits(still)
    assert np.isfinite(logits).all()
    assert logits == pytest.approx(fit_linear(FEATURES, CLASSES, 3).logits(FEATURES), abs=1e-3)


def test_a_class_that_is_never_seen_is_never_said():
    """Labels come from all training examples, and the sample may lack one."""
    assert 3 not in fit_linear(FEATURES, CLASSES, 4).logits(FEATURES).argmax(1)
