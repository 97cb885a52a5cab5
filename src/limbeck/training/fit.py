"""The one training loop: pretraining, distillation and fine-tuning all pass through `fit`.

Batches, dropout and learning rate are functions of the update's number, so a training that is killed and
continued computes exactly what an unbroken one does.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from limbeck.errors import Diverged, Interrupted, TrainingError
from limbeck.interrupts import deferred, requested
from limbeck.signals import Batch
from limbeck.training import memory
from limbeck.training.audit import audit_gradients
from limbeck.training.checkpoints import Checkpoints
from limbeck.training.config import Training
from limbeck.training.history import History
from limbeck.training.optimiser import make_optimiser, set_rate, step_clipped
from limbeck.training.precision import autocast, device, on_device, resolve
from limbeck.training.probing import MOMENTS, Probe, gradient_norms, interval
from limbeck.training.schedule import learning_rate
from limbeck.workspace import Workspace

_ADVICE = "the last checkpoint is kept. Lower the learning rate, or set precision: float32"


class Loss(Protocol):
    """What is minimised."""

    def counts(self, batch: Batch) -> Mapping[str, float]:
        """How many units each objective will sum over, known from the batch alone."""

    def __call__(
        self, batch: Batch, counts: Mapping[str, float], progress: float
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The batch's share of the loss, and of each objective's mean, given the counts of the whole update.

        `progress` is the share of the updates made, this one included: what weights may depend on. Loss and means carry
        their gradient.
        """


def fit(
    model: nn.Module,
    loss: Loss,
    batches: Callable[[int], Sequence[Batch]],
    config: Training,
    updates: int,
    out: Workspace,
    *,
    label: str = "training",
    seed: int = 0,
    held_out: Sequence[Batch] = (),
    probe: Probe | None = None,
) -> History:
    """Trains `model` in place and leaves it in evaluation mode.

    Args:
        model: on any device, float32; moved to the training device.
        loss: objectives combined.
        batches: the micro-batches of update 1, 2, ...: a pure function.
        config: rates and precision.
        updates: how many.
        out: where checkpoints, curve and progress go; `label` names this training in it.
        label: a name that is unique within the step, fit for a folder.
        seed: of dropout.
        held_out: batches that are not trained on; the loss on them is measured about ten times along the way.
        probe: what else is measured on them then, and before the first update.

    Raises:
        TrainingError: a loss or gradient that is not finite, or a tensor that the loss does not reach.
        Interrupted: a signal came; the state is saved.
    """
    model.to(device()).train(config.dropout)
    optimiser = make_optimiser(model, config)
    checkpoints = Checkpoints(out.scratch / "checkpoints" / label, out.say)
    done, history = _resume(checkpoints, model, optimiser, out, label)
    if held_out and not any(_counted(loss, held_out).values()):
        out.say(f"{label}: the held-out text is too short to predict anything in it, so no loss is measured on it")
        held_out = ()
    every = interval(updates)
    saved = time.monotonic()
    with out.progress(label, updates, "updates") as bar, deferred(), memory.reused():
        bar.advance(done)
        if not done:
            history.probed(0, _probed(model, probe, held_out, config))
        for update in range(done + 1, updates + 1):
            started, rate = time.monotonic(), learning_rate(config, update, updates)
            set_rate(optimiser, rate)
            torch.manual_seed(_mixed(seed, update))
            micro = [on_device(batch) for batch in batches(update)]
            terms = make_update(model, loss, micro, optimiser, config, update, update / updates)
            history.add(update, sum(b.tokens for b in micro), rate, terms, time.monotonic() - started)
            if update % every == 0 or update == updates:
                if held_out:
                    history.held_out(update, _measured(model, loss, held_out, config, update, update / updates))
                pulls = _pulls(model, loss, micro[0], config, update / updates) if updates >= MOMENTS else {}
                history.probed(update, {**_probed(model, probe, held_out, config), **pulls})
                if history.news:
                    out.say(f"warning: {history.news}")
            stop = requested()
            if stop or time.monotonic() - saved >= out.checkpoint_seconds:
                checkpoints.save(update, model, optimiser, history.state())
                saved = time.monotonic()
            if stop:
                raise Interrupted(stop)
            if update % memory.EVERY == 0:
                memory.give_back()
            bar.advance(1, f"loss {terms['loss']:.4f}")
    model.eval()
    return history


def _resume(
    checkpoints: Checkpoints, model: nn.Module, optimiser: torch.optim.Optimizer, out: Workspace, label: str
) -> tuple[int, History]:
    restored = checkpoints.restore(model, optimiser)
    if restored is None:
        return 0, History()
    update, state = restored
    out.say(f"{label}: continuing after update {update}")
    return update, History.from_state(state)


def make_update(
    model: nn.Module,
    loss: Loss,
    micro: Sequence[Batch],
    optimiser: torch.optim.Optimizer,
    config: Training,
    update: int,
    progress: float,
) -> dict[str, float]:
    """One optimiser update; the loss, and the mean of each objective."""
    terms = _backward(loss, micro, resolve(config.precision), update, progress)
    if update == 1:
        audit_gradients(model)
    norm = float(nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None]))
    if not math.isfinite(norm):
        raise Diverged(f"update {update}: the gradient's norm is {norm}; {_ADVICE}")
    step_clipped(optimiser, norm, config.clip)
    optimiser.zero_grad(set_to_none=True)
    return terms


def _backward(loss: Loss, micro: Sequence[Batch], dtype: torch.dtype, update: int, progress: float) -> dict[str, float]:
    """Accumulates the gradient of the whole update: sums over all micro-batches, divided by true counts."""
    counts = _counted(loss, micro)
    if not any(counts.values()):
        raise TrainingError(
            f"update {update}: nothing can be learnt from it, because no position is masked or labelled; the last"
            " checkpoint is kept. Make the batch larger, or mask more"
        )
    terms: dict[str, float] = {"loss": 0.0}
    for batch in micro:
        with autocast(dtype):
            value, parts = loss(batch, counts, progress)
        _check_finite(value, parts, update)
        torch.autograd.backward(value)
        terms["loss"] += float(value.detach())
        for name, part in parts.items():
            terms[name] = terms.get(name, 0.0) + float(part.detach())
    return terms


def _check_finite(value: Tensor, parts: Mapping[str, Tensor], update: int) -> None:
    if math.isfinite(float(value.detach())):
        return
    guilty = [name for name, part in parts.items() if not math.isfinite(float(part.detach()))]
    because = ", ".join(guilty) or "their sum"
    raise Diverged(f"update {update}: the loss is {float(value.detach())} because of {because}; {_ADVICE}")


def _measured(
    model: nn.Module, loss: Loss, held_out: Sequence[Batch], config: Training, update: int, progress: float
) -> float:
    """The loss over all held-out batches as if they were one update, without dropout."""
    batches = [on_device(batch) for batch in held_out]
    counts = _counted(loss, batches)
    model.eval()
    with torch.no_grad(), autocast(resolve(config.precision)):
        total = sum(float(loss(batch, counts, progress)[0]) for batch in batches)
    model.train(config.dropout)
    if not math.isfinite(total):
        raise Diverged(f"update {update}: the loss on held-out text is {total}; {_ADVICE}")
    return total


def _probed(model: nn.Module, probe: Probe | None, held_out: Sequence[Batch], config: Training) -> Mapping[str, float]:
    """What `probe` finds on the held-out batches, without dropout."""
    if probe is None or not held_out:
        return {}
    model.eval()
    with torch.no_grad(), autocast(resolve(config.precision)):
        found = probe([on_device(batch) for batch in held_out])
    model.train(config.dropout)
    return found


def _pulls(model: nn.Module, loss: Loss, batch: Batch, config: Training, progress: float) -> dict[str, float]:
    """How strongly each objective pulls at the weights on one batch, without dropout: see `gradient_norms`."""
    model.eval()
    with autocast(resolve(config.precision)):
        _, parts = loss(batch, loss.counts(batch), progress)
    found = gradient_norms(model, parts)
    model.train(config.dropout)
    return found


def _counted(loss: Loss, micro: Sequence[Batch]) -> dict[str, float]:
    """Units of each objective in all of `micro`, known before any of it runs."""
    counts: dict[str, float] = {}
    for batch in micro:
        for name, count in loss.counts(batch).items():
            counts[name] = counts.get(name, 0.0) + float(count)
    return counts


def _mixed(seed: int, update: int) -> int:
    """One 63-bit seed per update (splitmix64's finaliser), so that neighbours are unrelated."""
    z = (seed * 0x9E3779B97F4A7C15 + update * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (z ^ (z >> 31)) >> 1
