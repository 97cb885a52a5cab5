"""A teacher that answered beforehand: its signals are read from a `cache` step's files, and no model is run.

B sequences, T tokens, H width, N selected positions, K classes whose logits are stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from limbeck.config import CacheRef, Config, ModelSource
from limbeck.errors import DataError
from limbeck.signals import Batch, Needs, Outputs, Shape, TopLogits
from limbeck.teachers.base import Teacher
from limbeck.teachers.coverage import Coverage
from limbeck.teachers.recording import largest
from limbeck.teachers.shards import Shards, keys_of

if TYPE_CHECKING:
    from torch import Tensor

SHARDS = "shards"
SHAPE = "teacher"
"""The folder with the configuration and the tokenizer of the (first) teacher."""


class CachedTeacher(Config):
    """What a teacher answered, read from a `cache` step. It provides what that step stored."""

    model_config = ConfigDict(serialize_by_alias=True)

    kind: Literal["cached"] = "cached"
    source: CacheRef = Field(alias="from")
    """The step that made it."""
    model: ModelSource | None = None
    """The teacher that the cache is of: needed only where the student is cut out of it, and compared then."""

    @property
    def models(self) -> list[str]:
        """Where the teacher's shape and tokenizer are read."""
        return [self.model or self.source]

    def sentence(self) -> str:
        """Who teaches, in words."""
        return f"learns from the answers in {self.source}; no teacher is run"

    def check(self, needs: Needs) -> None:
        """Nothing that it could be asked for leaves a part of it idle."""


class Cached(Teacher):
    """Looks up what the teacher gave for each sequence of a batch."""

    def __init__(self, folder: Path, shape: Shape, name: str = "cache") -> None:
        """`folder` is the artifact of a cache step; `name` is what messages call it."""
        self.shape = shape
        self._shards = Shards(folder / SHARDS)
        self._coverage = Coverage.open(folder)
        self._name = name

    def __call__(self, batch: Batch, needs: Needs) -> Outputs:
        """The stored signals in `needs`, in float32.

        Raises:
            DataError: a sequence of the batch is not there as it is masked.
        """
        found = [self._find(key, row) for row, key in enumerate(keys_of(batch))]
        outputs = Outputs()
        if needs.hidden:
            rows = [self._shards.rows(place, "tokens") for place in found]
            outputs.hidden = {layer: _padded([row[f"hidden-{layer}"] for row in rows], batch) for layer in needs.hidden}
        if needs.logits != "none":
            self._take_logits([self._shards.rows(place, "positions") for place in found], batch, outputs)
        return outputs

    def _find(self, key: int, row: int) -> tuple[int, int]:
        found = self._shards.find(key)
        if found is None:
            raise DataError(
                f"sequence {row + 1} of this batch is not in {self._name} as it is masked here; make the cache anew"
                " with this text, tokenizer and masking, or set teacher.kind: online"
            )
        return found

    def _take_logits(self, rows: list[dict[str, Any]], batch: Batch, outputs: Outputs) -> None:
        stored = self._coverage.store.logits
        assert stored is not None
        names = rows[0].keys()
        if stored.positions == "all":
            signals = {name: _padded([row[name] for row in rows], batch) for name in names}
        else:
            signals = {name: _placed(np.concatenate([row[name] for row in rows]), batch) for name in names}
        if "logits" in signals:
            outputs.logits = signals["logits"].float()
            return
        rest = {each: signals["rest"][..., place] for place, each in enumerate(stored.temperatures)}
        outputs.top = TopLogits(signals["values"].float(), signals["classes"].long(), rest)


class Blank(Teacher):
    """Answers zeros in the form that a cache has: to measure a training whose cache is not made yet."""

    def __init__(self, shape: Shape, coverage: Coverage) -> None:
        self.shape = shape
        self._coverage = coverage

    def __call__(self, batch: Batch, needs: Needs) -> Outputs:
        """Zeros of the shapes that `Cached` would give."""
        import torch

        hidden = {layer: torch.zeros(*batch.input_ids.shape, self.shape.width) for layer in needs.hidden}
        outputs = Outputs({layer: states.to(batch.input_ids.device) for layer, states in hidden.items()})
        stored = self._coverage.store.logits
        if stored is None or needs.logits == "none":
            return outputs
        places = tuple(batch.input_ids.shape)
        if stored.positions == "selected":
            assert batch.labels is not None
            places = (int((batch.labels != -100).sum()),)
        logits = torch.zeros(*places, self._coverage.classes, device=batch.input_ids.device)
        number = self._coverage.store.largest(self._coverage.classes)
        if number is None:
            outputs.logits = logits
        else:
            outputs.top = largest(logits, number, stored.temperatures)
        return outputs


def _padded(parts: list[npt.NDArray[np.generic]], batch: Batch) -> Tensor:
    """Rows of each sequence's tokens as one tensor, (B, T, ...), 0 at the padding."""
    import torch

    places_BT = batch.attention_mask.bool()
    rows = _placed(np.concatenate(parts), batch)
    padded = torch.zeros(*places_BT.shape, *rows.shape[1:], dtype=rows.dtype, device=rows.device)
    padded[places_BT] = rows
    return padded.float() if rows.is_floating_point() else padded


def _placed(rows: npt.NDArray[np.generic], batch: Batch) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(rows)).to(batch.input_ids.device)
