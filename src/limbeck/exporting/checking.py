"""Runs an exported file beside the model it was made from.

B sequences, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from limbeck.exporting.onnx import output_name
from limbeck.exporting.parity import Compared, Parity, compare
from limbeck.onnx_files import open_session

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_BATCH = 8


def sentences() -> list[str]:
    """Texts in several languages and scripts, from one word to a paragraph, for models without texts of their own."""
    texts: list[str] = yaml.safe_load(Path(__file__).with_name("sentences.yaml").read_text("utf-8"))
    return texts


def check_onnx(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, file: Path, texts: Sequence[str], longest: int
) -> Parity:
    """Compares the ONNX file with the model on real inputs, fed as the tokenizer returns them.

    The first text goes alone, then all in batches whose padding varies, then one input of `longest` tokens or
    of as many as all texts together have.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """
    session, wanted = open_session(file), output_name(model)
    return compare(_run_both(model, session, _encoded(tokenizer, texts, longest), wanted), labels=wanted == "logits")


def _encoded(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], longest: int) -> Iterator[Any]:
    groups = [list(texts[:1]), *(list(texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)), [" ".join(texts)]]
    for group in groups:
        yield tokenizer(group, padding=True, truncation=True, max_length=longest, return_tensors="np")


def _run_both(model: PreTrainedModel, session: Any, batches: Iterator[Any], wanted: str) -> Iterator[Compared]:
    import torch

    model.train(False)
    for encoded in batches:
        feed = dict(encoded)
        tensors = {name: torch.from_numpy(array).to(model.device) for name, array in feed.items()}
        with torch.inference_mode():
            original = model(**tensors)[0].float().cpu().numpy()
        yield Compared(feed["attention_mask"], original, session.run([wanted], feed)[0])
