"""An update as the distil step makes it, and the same without one of its techniques."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest import mock

import torch

from limbeck.models.counting import shape_of
from limbeck.models.freezing import frozen
from limbeck.models.observing import observe
from limbeck.models.packing import packed
from limbeck.models.rows import only_rows
from limbeck.objectives import (
    MLM,
    AttentionMSE,
    CombinedLoss,
    HiddenCosine,
    HiddenMSE,
    Objective,
    SoftLabels,
    chunking,
    needs_of,
)
from limbeck.signals import Batch, Needs, Outputs
from limbeck.teachers import Online
from limbeck.training import fit, memory
from limbeck.training.config import Training
from limbeck.training.optimiser import make_optimiser
from works import Work

LOSSES: dict[str, list[Objective]] = {
    "lightmbert": [HiddenMSE(), AttentionMSE()],
    "distilbert": [SoftLabels(weight=5, temperature=2), MLM(weight=2), HiddenCosine()],
}
TECHNIQUES = {
    "packed": "teacher packed once",
    "rows": "only the embedding rows in use",
    "selected": "logits only where they are read",
    "chunks": "maps and logits a few at a time",
    "memory": "freed tensors kept for the next update",
    "clip": "clipping inside the optimiser",
}


class Ours:
    """Limbeck; `without` leaves one technique out."""

    def __init__(self, work: Work, precision: str, without: str = "") -> None:
        teacher, student = work.models()
        self._without = without
        self._config = Training(updates=1, dropout=False, precision=precision)
        objectives = LOSSES[work.loss]
        needs = needs_of(objectives, shape_of(student.config), shape_of(teacher.config))
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        ready = teacher if without == "packed" else packed(teacher, dtype)
        online = Online(ready, self._observed, shape_of(teacher.config))
        self._loss = CombinedLoss(objectives, needs, partial(self._observed, student), online)
        self._open = ExitStack()
        self._open.enter_context(frozen(student, needs[0]))
        if without != "rows":
            self._open.enter_context(only_rows(student, work.used_ids(), decoder_read=needs[0].logits != "none"))
        if without != "memory":
            self._open.enter_context(memory.reused())
        self._student, self._optimiser = student, make_optimiser(student, self._config)

    def __call__(self, batch: Batch) -> float:
        """One update; its loss."""
        with _switched_off(self._without):
            return fit.make_update(self._student, self._loss, [batch], self._optimiser, self._config, 2, 1.0)["loss"]

    def _observed(self, model: torch.nn.Module, batch: Batch, needs: Needs) -> Outputs:
        """Without `selected`, logits of every position are computed, also where nobody reads any."""
        if self._without != "selected":
            return observe(model, batch, needs)
        outputs = observe(model, batch, needs | Needs(logits="all"))
        assert outputs.logits is not None
        outputs.logits = outputs.logits[batch.labels != -100] if needs.logits == "selected" else None
        return outputs


@contextmanager
def _switched_off(technique: str) -> Iterator[None]:
    if technique == "chunks":
        with mock.patch.object(chunking, "AT_ONCE", 1 << 40):
            yield
    elif technique == "clip":
        with mock.patch.object(fit, "step_clipped", _clip_first):
            yield
    else:
        yield


def _clip_first(optimiser: torch.optim.Optimizer, norm: float, clip: float) -> None:
    gradients = [p.grad for group in optimiser.param_groups for p in group["params"]]
    torch._foreach_mul_(gradients, min(1.0, clip / norm))
    optimiser.step()
