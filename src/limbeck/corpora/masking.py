"""Dynamic masking (Devlin et al., 2019; Liu et al., 2019), as a function of seed, epoch and sample.

B sequences, T tokens, V vocabulary, N tokens of a sequence that may be masked. NumPy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from limbeck.config import Config
from limbeck.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a position that is not predicted."""


class Masking(Config):
    """What is hidden from a model that learns to fill it in."""

    probability: float = Field(default=0.15, gt=0, lt=1)
    """Share of the tokens that are to be predicted; special tokens never are."""
    mask: float = Field(default=0.8, ge=0, le=1)
    """Share of the predicted tokens that the mask token replaces."""
    random: float = Field(default=0.1, ge=0, le=1)
    """Share of the predicted tokens that a random token replaces."""
    keep: float = Field(default=0.1, ge=0, le=1)
    """Share of the predicted tokens that stay as they are."""
    smoothing: float | None = Field(default=None, gt=0)
    """Prefer rare tokens: a token is chosen in proportion to its count in the corpus to the power of minus
    this. DistilBERT used 0.7. Left out, all tokens are equally likely."""

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        total = self.mask + self.random + self.keep
        if abs(total - 1) > 1e-9:
            raise ValueError(f"mask + random + keep should be 1; found {total:g}")
        return self


@dataclass(frozen=True)
class MaskVocabulary:
    """What masking has to know about a vocabulary."""

    mask: int
    """The mask token."""
    ordinary: npt.NDArray[np.bool_]
    """(V,): which tokens are ordinary; they may be masked, and may replace another at random."""
    weights: npt.NDArray[np.float64] | None = None
    """(V,): how readily each token is chosen; None: all alike."""

    @classmethod
    def of(
        cls, tokenizer: "PreTrainedTokenizerBase", spec: Masking, counts_V: npt.NDArray[np.int64] | None = None
    ) -> Self:
        """Reads a tokenizer; `counts_V`, from the corpus, is needed only when the spec has `smoothing`.

        Raises:
            ModelError: the tokenizer has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise ModelError(
                f"the tokenizer of {tokenizer.name_or_path or 'this model'} has no mask token, so nothing can be"
                " masked; choose a model that was trained by masked language modelling"
            )
        ordinary_V = np.ones(len(tokenizer), dtype=np.bool_)
        ordinary_V[[i for i in tokenizer.all_special_ids if i < len(ordinary_V)]] = False
        weights_V = None
        if spec.smoothing is not None:
            assert counts_V is not None, "smoothing needs the counts of the corpus"
            weights_V = np.maximum(counts_V, 1) ** -spec.smoothing
        return cls(tokenizer.mask_token_id, ordinary_V, weights_V)


def mask_tokens(
    ids_BT: npt.NDArray[np.integer],
    attention_BT: npt.NDArray[np.integer],
    spec: Masking,
    vocabulary: MaskVocabulary,
    seed: int,
    epoch: int,
    samples: Sequence[int] | npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Chooses tokens to predict and hides most of them; `samples` are the sequences' numbers in the corpus.

    Each sequence draws from a generator of its own, so that its mask depends neither on its neighbours nor
    on padding. Of N ordinary tokens, `probability` x N are chosen, rounded up or down at random so that the
    expectation is exact: a short sequence may have none.

    Returns:
        The inputs, and the labels: the original token where one is to be predicted, -100 elsewhere.
    """
    inputs_BT = np.array(ids_BT, dtype=np.int64)
    labels_BT = np.full_like(inputs_BT, IGNORED)
    ordinary = np.flatnonzero(vocabulary.ordinary)
    allowed_BT = vocabulary.ordinary[inputs_BT] & (np.asarray(attention_BT) == 1)
    for row, sample in enumerate(samples):
        random = np.random.default_rng([seed, epoch, int(sample)])
        chosen = _choose(inputs_BT[row], np.flatnonzero(allowed_BT[row]), spec, vocabulary, random)
        labels_BT[row, chosen] = inputs_BT[row, chosen]
        fate = random.random(len(chosen))
        replacement = ordinary[random.integers(len(ordinary), size=len(chosen))]
        hidden = np.where(fate < spec.mask, vocabulary.mask, inputs_BT[row, chosen])
        inputs_BT[row, chosen] = np.where(fate >= spec.mask + spec.keep, replacement, hidden)
    return inputs_BT, labels_BT


def _choose(
    ids_T: npt.NDArray[np.int64],
    allowed_N: npt.NDArray[np.int64],
    spec: Masking,
    vocabulary: MaskVocabulary,
    random: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Positions to predict, drawn without replacement in proportion to the weights.

    The k smallest of exponential variables whose rates are the weights are such a draw (Efraimidis and
    Spirakis, 2006).
    """
    wanted = int(spec.probability * len(allowed_N) + random.random())
    keys_N = random.exponential(size=len(allowed_N))
    if vocabulary.weights is not None:
        keys_N = keys_N / vocabulary.weights[ids_T[allowed_N]]
    return np.sort(allowed_N[np.argsort(keys_N, kind="stable")[:wanted]])
