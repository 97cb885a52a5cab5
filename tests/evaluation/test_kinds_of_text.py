import numpy as np
import pytest

from limbeck.evaluation.kinds_of_text import fit_kinds

VOCABULARY = 60


def _texts(count, seed):
    """Sequences in three languages of twenty tokens each, the first of them most frequent."""
    random = np.random.default_rng(seed)
    shares = 1 / np.arange(1, 21)
    languages = random.integers(3, size=count)
    tokens = np.stack([20 * each + random.choice(20, 30, p=shares / shares.sum()) for each in languages])
    return tokens, np.repeat(np.arange(count), 30), shares / shares.sum()


def test_languages_are_found_untold():
    """A bar that knows no languages lets a model pass that knows nothing else."""
    tokens, owners, shares = _texts(300, 0)
    kinds = fit_kinds(tokens.ravel(), owners, VOCABULARY)
    held, _, _ = _texts(50, 1)
    seen, labels = held[:, :25], held[:, 25:]
    owners_seen, owners_masked = np.repeat(np.arange(50), 25), np.repeat(np.arange(50), 5)
    losses = kinds.losses(seen.ravel(), owners_seen, labels.ravel(), owners_masked, np.ones(VOCABULARY))
    own = -np.log(shares[held[:, 25:] % 20]).mean()
    whole = -np.log(np.bincount(tokens.ravel(), minlength=VOCABULARY)[held[:, 25:]] / tokens.size).mean()
    assert losses.mean() == pytest.approx(own, abs=0.1)
    assert losses.mean() < whole - 0.8


def test_what_is_masked_more_readily_is_more_likely():
    """Masking that prefers rare tokens makes them likelier at masks than in the text."""
    tokens, owners, _ = _texts(100, 0)
    kinds = fit_kinds(tokens.ravel(), owners, VOCABULARY)
    rare = np.where(np.arange(VOCABULARY) % 20 == 19, 100.0, 1.0)
    seen, labels = tokens[0, :20], np.array([tokens[0, 0] // 20 * 20 + 19])
    plain, preferred = (
        kinds.losses(seen, np.zeros(20, dtype=int), labels, np.array([0]), each) for each in (np.ones(VOCABULARY), rare)
    )
    assert preferred[0] < plain[0]


def test_a_sequence_without_a_token_to_be_seen():
    """A text that is all masks is of the usual kinds."""
    tokens, owners, _ = _texts(100, 0)
    kinds = fit_kinds(tokens.ravel(), owners, VOCABULARY)
    none = np.empty(0, dtype=int)
    assert np.isfinite(kinds.losses(none, none, np.array([3]), np.array([0]), np.ones(VOCABULARY))).all()
