"""What exported files are fed for a check, and what their outputs say of it.

B sequences, T tokens, V classes or hidden width, N answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from limbeck.exporting.parity import Floats, Unit

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Feed = dict[str, NDArray[np.int64]]
"""Name of an input to what it is given, (B, T)."""

PADDING = -1e4
"""Score of a place in padding: finite, so that the difference of two is 0."""
_BATCH = 8
_OF_TEXTS = ("ForSequenceClassification", "ForNextSentencePrediction")
_OF_PAIRS = ("ForQuestionAnswering", "ForNextSentencePrediction")
"""Models that never read one text alone; those that judge texts may read either."""

Inputs = list[str] | list[tuple[str, str]]


def sentences() -> list[str]:
    """Texts in several languages and scripts, from one word to a paragraph, for models without texts of their own."""
    texts: list[str] = yaml.safe_load(Path(__file__).with_name("sentences.yaml").read_text("utf-8"))
    return texts


def feeds(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], longest: int
) -> Iterator[Feed]:
    """The texts as the tokenizer returns them.

    The first text goes alone, then all in batches whose padding varies, then one input of `longest` tokens or
    of as many as all texts together have. A model of pairs is given each text with the one after it; one that
    judges texts is given both.
    """
    for group in _inputs(model, texts):
        encoded = tokenizer(group, padding=True, truncation=True, max_length=longest, return_tensors="np")
        yield dict(encoded)


def unit_of(model: PreTrainedModel) -> Unit:
    """What the model says something about."""
    name = type(model).__name__
    if name.endswith("ForQuestionAnswering"):
        return "ends of answers"
    return "texts" if name.endswith(_OF_TEXTS) else "tokens"


def has_labels(model: PreTrainedModel) -> bool:
    """Whether its numbers are scores, of which the best is said; not so of hidden states and of single numbers."""
    headed = "For" in type(model).__name__
    return headed and not (unit_of(model) == "texts" and model.config.num_labels == 1)


def rows_of(outputs: Sequence[Floats], mask_BT: NDArray[np.integer], unit: Unit) -> Floats:
    """What is said of every unit, (N, V): of each token that is no padding, of each text, of each end of an answer."""
    if unit == "texts":
        return outputs[0]
    if unit == "tokens":
        of_tokens: Floats = outputs[0][mask_BT.astype(bool)]
        return of_tokens
    return np.concatenate([np.where(mask_BT == 1, logits_BT, PADDING) for logits_BT in outputs])


def _inputs(model: PreTrainedModel, texts: Sequence[str]) -> list[Inputs]:
    """What is given together: the first, batches of eight, and all in one."""
    name, all_of_them = type(model).__name__, " ".join(texts)
    alone: list[Inputs] = [[texts[0]], *_groups(list(texts)), [all_of_them]] if texts else []
    pairs = list(zip(texts, [*texts[1:], *texts[:1]], strict=True))
    paired: list[Inputs] = [[pairs[0]], *_groups(pairs), [(texts[0], all_of_them)]] if texts else []
    if name.endswith(_OF_PAIRS):
        return paired
    return [*alone, *paired] if name.endswith(_OF_TEXTS) else alone


def _groups(items: list[Any]) -> list[Any]:
    return [items[low : low + _BATCH] for low in range(0, len(items), _BATCH)]
