"""Other implementations to compare with."""

import importlib
import sys
import types
import warnings

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def textbrewer_losses() -> types.ModuleType:
    """TextBrewer's losses; its import wants a TensorBoard writer, which its losses never use."""
    stub = types.ModuleType("tensorboardX")
    stub.SummaryWriter = None
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setitem(sys.modules, "tensorboardX", stub)
        warnings.simplefilter("ignore")
        return importlib.import_module("textbrewer.losses")
