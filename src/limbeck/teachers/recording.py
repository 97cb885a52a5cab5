"""What of a teacher's signals goes into a cache, and as which numbers.

B sequences, T tokens, H width, V classes, K largest logits, R positions whose logits are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.errors import DataError
from limbeck.signals import Batch, Outputs, TopLogits
from limbeck.teachers.coverage import Coverage
from limbeck.teachers.shards import Shard, keys_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def record(shard: Shard, coverage: Coverage, batch: Batch, outputs: Outputs) -> None:
    """Adds the signals of one batch to a shard.

    Raises:
        DataError: a signal is not finite, or beyond what the stored numbers can hold.
    """
    import torch

    dtype = torch.float16 if coverage.store.numbers == "float16" else torch.float32
    chosen_BT = batch.attention_mask.bool()
    tokens = chosen_BT.sum(1).tolist()
    rows = {
        f"hidden-{layer}": _rounded(states_BTH[chosen_BT], dtype, f"hidden states of layer {layer}")
        for layer, states_BTH in outputs.hidden.items()
    }
    stored, positions = coverage.store.logits, [0] * len(tokens)
    if stored is not None:
        if stored.positions == "selected":
            assert batch.labels is not None, "masked positions were asked for and the batch has no labels"
            chosen_BT = batch.labels != -100
        positions = chosen_BT.sum(1).tolist()
        rows |= _logit_rows(coverage, outputs, chosen_BT, dtype)
    shard.add(keys_of(batch), tokens, positions, {name: part.cpu().numpy() for name, part in rows.items()})


def largest(logits: Tensor, number: int, temperatures: Sequence[float]) -> TopLogits:
    """The `number` largest logits of each position, relative to the largest, and the mass of the others."""
    import torch

    relative = logits.float() - logits.float().amax(-1, keepdim=True)
    values, classes = relative.topk(number, dim=-1)
    others = relative.scatter(-1, classes, -torch.inf)
    return TopLogits(values, classes, {each: (others / each).logsumexp(-1) for each in temperatures})


def _logit_rows(coverage: Coverage, outputs: Outputs, chosen_BT: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    import torch

    assert outputs.logits is not None
    assert coverage.store.logits is not None
    logits_RV = outputs.logits if outputs.logits.dim() == 2 else outputs.logits[chosen_BT]
    number = coverage.store.largest(coverage.classes)
    if number is None:
        return {"logits": _rounded(logits_RV, dtype, "logits")}
    top = largest(logits_RV, number, coverage.store.logits.temperatures)
    rest_RS = torch.stack([top.rest[each] for each in coverage.store.logits.temperatures], -1)
    return {"values": _rounded(top.values, dtype, "logits"), "classes": top.classes.int(), "rest": rest_RS}


def _rounded(signal: Tensor, dtype: torch.dtype, name: str) -> Tensor:
    rounded = signal.to(dtype)
    if not rounded.isfinite().all():
        if not signal.isfinite().all():
            raise DataError(f"the teacher's {name} are not finite; check its weights, or set precision: float32")
        raise DataError(
            f"the teacher's {name} reach {float(signal.abs().max()):.3g}, and float16 ends at 65504; set"
            " store.numbers: float32"
        )
    return rounded
