"""The most likely class, and how likely each is.

N texts, C classes.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def probabilities(logits_NC: Floats) -> NDArray[np.float64]:
    """Softmax of each row."""
    scores_NC = np.asarray(logits_NC, dtype=np.float64)
    weights_NC = np.exp(scores_NC - scores_NC.max(axis=-1, keepdims=True))
    shares_NC: NDArray[np.float64] = weights_NC / weights_NC.sum(axis=-1, keepdims=True)
    return shares_NC
