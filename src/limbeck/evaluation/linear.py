"""A linear classifier on features that stay as they are: multinomial logistic regression.

N things to classify of E examples, H features, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

STRENGTHS = (0.001, 0.01, 0.1)
"""Of the pull towards zero. Which is right depends on the features, so each kind of features has its own choice."""
_CHOOSING = 0.2
"""Share of the examples on which a strength is chosen, after a fit to the others."""
_ITERATIONS = 100

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Linear:
    """Logits are an affine function of standardised features."""

    mean: Floats
    """(H,)"""
    scale: Floats
    """(H,)"""
    weights: Floats
    """(H + 1, C); the last row is the bias."""
    strength: float

    def logits(self, features_NH: Floats) -> Floats:
        """(N, C)."""
        made: Floats = _affine((features_NH - self.mean) / self.scale) @ self.weights
        return made


def fit_linear(features_NH: Floats, classes_N: Ints, examples_N: Ints, classes: int) -> Linear:
    """The classifier of least cross-entropy, its strength chosen on a fifth of the examples. No random number is drawn.

    `examples_N` says which example each thing belongs to; things of one are not parted.
    """
    apart_N = examples_N % round(1 / _CHOOSING) == 0
    strength = STRENGTHS[0]
    if apart_N.any() and not apart_N.all():
        fits = [_fit(features_NH[~apart_N], classes_N[~apart_N], classes, strength) for strength in STRENGTHS]
        strength = min(fits, key=lambda fit: _loss(fit, features_NH[apart_N], classes_N[apart_N])).strength
    return _fit(features_NH, classes_N, classes, strength)


def _fit(features_NH: Floats, classes_N: Ints, classes: int, strength: float) -> Linear:
    import torch
    from torch import nn

    mean_H, scale_H = features_NH.mean(axis=0, dtype=np.float64), features_NH.std(axis=0, dtype=np.float64)
    scale_H[scale_H < 1e-6] = 1.0  # a feature that never changes tells nothing, and is not blown up
    inputs = torch.from_numpy(_affine((features_NH - mean_H) / scale_H))
    targets = torch.from_numpy(classes_N)
    weights = torch.zeros(inputs.shape[1], classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=_ITERATIONS, line_search_fn="strong_wolfe", tolerance_grad=1e-6)

    def closure() -> float:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(inputs @ weights, targets) + strength / 2 * weights[:-1].square().sum()
        torch.autograd.backward(loss)
        return float(loss.detach())

    with torch.enable_grad():
        optimiser.step(closure)
    return Linear(mean_H, scale_H, weights.detach().numpy(), strength)


def _affine(features_NH: Floats) -> npt.NDArray[np.float64]:
    return np.concatenate([features_NH, np.ones((len(features_NH), 1))], axis=1, dtype=np.float64)


def _loss(fit: Linear, features_NH: Floats, classes_N: Ints) -> float:
    """Mean cross-entropy in nats."""
    logits_NC = fit.logits(features_NH)
    top_N = logits_NC.max(axis=1)
    total_N = np.log(np.exp(logits_NC - top_N[:, None]).sum(axis=1)) + top_N
    return float((total_N - logits_NC[np.arange(len(classes_N)), classes_N]).mean())
