"""The device to train on and the number format of its matrix products."""

from contextlib import AbstractContextManager
from typing import TypeVar

import torch

from limbeck.signals import Batch

Module = TypeVar("Module", bound=torch.nn.Module)


def device() -> torch.device:
    """The GPU where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resolve(precision: str) -> torch.dtype:
    """The format that `auto`, `float32` or `bfloat16` means on this machine.

    A processor without bfloat16 instructions emulates them at a fraction of float32's speed, so `auto` asks first.
    """
    if precision == "auto":
        return torch.bfloat16 if has_bfloat16() else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]


def name_of(precision: str) -> str:
    """`float32` or `bfloat16`: what `auto` means on this machine."""
    return str(resolve(precision)).removeprefix("torch.")


def has_bfloat16() -> bool:
    """Does this machine multiply bfloat16 matrices in hardware?"""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def autocast(dtype: torch.dtype) -> AbstractContextManager[None]:
    """Matrix products in `dtype`, everything that needs range in float32."""
    return torch.autocast(device().type, dtype=dtype, enabled=dtype != torch.float32)


def on_device(batch: Batch) -> Batch:
    """`batch` on the training device."""
    return batch.to(device())


def placed(module: Module) -> Module:
    """`module` on the training device."""
    return module.to(device())
