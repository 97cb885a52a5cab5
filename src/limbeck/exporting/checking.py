"""Runs an exported file beside the model it was made from.

B sequences, T tokens, V classes or hidden width, N answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from limbeck.exporting.onnx import output_names
from limbeck.exporting.parity import Compared, Floats, Parity, Unit, compare
from limbeck.onnx_files import open_session

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_BATCH = 8
_PADDING = -1e4
"""Score of a place in padding: finite, so that the difference of two is 0."""
_OF_TEXTS = ("ForSequenceClassification", "ForNextSentencePrediction")
_OF_PAIRS = ("ForQuestionAnswering", "ForNextSentencePrediction")
"""Models that never read one text alone; those that judge texts may read either."""

Inputs = list[str] | list[tuple[str, str]]


def sentences() -> list[str]:
    """Texts in several languages and scripts, from one word to a paragraph, for models without texts of their own."""
    texts: list[str] = yaml.safe_load(Path(__file__).with_name("sentences.yaml").read_text("utf-8"))
    return texts


def check_onnx(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, file: Path, texts: Sequence[str], longest: int
) -> Parity:
    """Compares the ONNX file with the model on real inputs, fed as the tokenizer returns them.

    The first text goes alone, then all in batches whose padding varies, then one input of `longest` tokens or
    of as many as all texts together have. A model of pairs is given each text with the one after it; one that
    judges texts is given both.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """
    session, names = open_session(file), output_names(model)
    unit = _unit(model)
    labels = names != ("last_hidden_state",) and not (unit == "texts" and model.config.num_labels == 1)
    batches = _encoded(tokenizer, _inputs(model, texts), longest)
    return compare(_run_both(model, session, batches, names, unit), labels, unit)


def _unit(model: PreTrainedModel) -> Unit:
    name = type(model).__name__
    if name.endswith("ForQuestionAnswering"):
        return "ends of answers"
    return "texts" if name.endswith(_OF_TEXTS) else "tokens"


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


def _encoded(tokenizer: PreTrainedTokenizerBase, groups: Sequence[Inputs], longest: int) -> Iterator[Any]:
    for group in groups:
        yield tokenizer(group, padding=True, truncation=True, max_length=longest, return_tensors="np")


def _run_both(
    model: PreTrainedModel, session: Any, batches: Iterator[Any], names: Sequence[str], unit: Unit
) -> Iterator[Compared]:
    import torch

    model.train(False)
    for encoded in batches:
        feed = dict(encoded)
        mask_BT = feed["attention_mask"]
        tensors = {name: torch.from_numpy(array).to(model.device) for name, array in feed.items()}
        with torch.inference_mode():
            found = model(**tensors)
        original = [found[place].float().cpu().numpy() for place in range(len(names))]
        exported = session.run(list(names), feed)
        rows = [_rows(outputs, mask_BT, unit) for outputs in (original, exported)]
        yield Compared(len(mask_BT), int(mask_BT.sum()), *rows)


def _rows(outputs: Sequence[Floats], mask_BT: NDArray[np.integer], unit: Unit) -> Floats:
    """What is said of every unit, (N, V): of each token that is no padding, of each text, of each end of an answer."""
    if unit == "texts":
        return outputs[0]
    if unit == "tokens":
        of_tokens: Floats = outputs[0][mask_BT.astype(bool)]
        return of_tokens
    return np.concatenate([np.where(mask_BT == 1, logits_BT, _PADDING) for logits_BT in outputs])
