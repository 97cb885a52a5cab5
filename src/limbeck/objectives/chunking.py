"""A sum over sequences or positions computed a few at a time, so that what is large never exists for all of them.

An attention map has A x T x T numbers for each sequence, a distribution over a vocabulary V for each position. Taken a
few at a time, those of student and teacher, their difference and its gradient stay in the processor's cache, and are
gone when the next ones come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

AT_ONCE = 1 << 19
"""Numbers of what is large in one chunk: two megabytes in float32."""


def by_chunks(
    function: Callable[..., Tensor], numbers: int, learned: tuple[Tensor, ...], given: tuple[Tensor, ...]
) -> Tensor:
    """The sum of `function` over chunks of rows, with its gradient towards `learned`.

    Args:
        function: takes chunks of `learned` and `given`, one after the other; returns a sum over their rows.
        numbers: how many `function` makes for each row; a chunk has as many rows as make `AT_ONCE`.
        learned: tensors of the student, (rows, ...).
        given: tensors that need no gradient, (rows, ...).
    """
    size = max(1, AT_ONCE // numbers)
    apply = cast("Callable[..., Tensor]", _ByChunks.apply)
    wanted = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in learned)
    return apply(function, size, wanted, len(learned), *learned, *given)


class _ByChunks(torch.autograd.Function):
    """Computes the gradient together with the value, as each chunk is at hand only once."""

    @staticmethod
    def forward(
        ctx: Any, function: Callable[..., Tensor], size: int, wanted: bool, learned: int, *tensors: Tensor
    ) -> Tensor:
        gradients = [torch.empty_like(tensor) for tensor in tensors[:learned]] if wanted else []
        values = []
        for start in range(0, len(tensors[0]), size):
            chunk = [tensor[start : start + size] for tensor in tensors]
            leaves = [part.detach().requires_grad_(wanted) for part in chunk[:learned]]
            with torch.set_grad_enabled(wanted):
                value = function(*leaves, *chunk[learned:])
            if wanted:
                for gradient, found in zip(gradients, torch.autograd.grad(value, leaves), strict=True):
                    gradient[start : start + size] = found
            values.append(value.detach())
        ctx.save_for_backward(*gradients)
        ctx.others = len(tensors) - learned
        return torch.stack(values).sum() if values else tensors[0].new_zeros(())

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        gradients = [outer[0].to(gradient.dtype) * gradient for gradient in ctx.saved_tensors]
        return (None, None, None, None, *gradients, *[None] * ctx.others)
