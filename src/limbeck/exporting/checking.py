"""Runs an exported file beside the model it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.exporting.feeds import Feed, feeds, has_labels, rows_of, unit_of
from limbeck.exporting.onnx import output_names
from limbeck.exporting.parity import Compared, Parity, compare
from limbeck.onnx_files import open_session

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def check_onnx(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, file: Path, texts: Sequence[str], longest: int
) -> Parity:
    """Compares the ONNX file with the model on real inputs of at most `longest` tokens; see `feeds`.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """
    session = open_session(file)
    batches = feeds(model, tokenizer, texts, longest)
    return compare(_run_both(model, session, batches), has_labels(model), unit_of(model))


def _run_both(model: PreTrainedModel, session: Any, batches: Iterable[Feed]) -> Iterator[Compared]:
    import torch

    names, unit = output_names(model), unit_of(model)
    model.train(False)
    for feed in batches:
        mask_BT = feed["attention_mask"]
        tensors = {name: torch.from_numpy(array).to(model.device) for name, array in feed.items()}
        with torch.inference_mode():
            found = model(**tensors)
        original = [found[place].float().cpu().numpy() for place in range(len(names))]
        exported = session.run(list(names), feed)
        rows = [rows_of(outputs, mask_BT, unit) for outputs in (original, exported)]
        yield Compared(len(mask_BT), int(mask_BT.sum()), *rows)
