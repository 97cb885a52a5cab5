"""The state of a training on disk: written whole or not at all, verified when read, two kept.

Loaders of weights do not notice flipped bytes, so every file's checksum stands in `state.json`, which is
written last and carries a checksum of itself. A damaged checkpoint is named and the one before it is taken.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from limbeck.artifacts import fingerprint, flush, sha256, write_json

STATE = "state.json"
KEPT = 2


class Checkpoints:
    """Checkpoints of one training below `folder`."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self._say = say
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, update: int, model: nn.Module, optimiser: torch.optim.Optimizer, progress: Any) -> None:
        """Writes weights, optimiser state and `progress` (JSON) after `update`, then drops the oldest."""
        partial = self.folder / ".partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        save_file(_trainable(model), partial / "model.safetensors")
        save_file(_moments(model, optimiser), partial / "optimiser.safetensors")
        checksums = {}
        for path in partial.iterdir():
            flush(path)
            checksums[path.name] = sha256(path)
        state = {"update": update, "progress": progress, "sha256": checksums}
        write_json(partial / STATE, {**state, "fingerprint": fingerprint(state)})
        partial.rename(self.folder / f"update-{update:09d}")
        flush(self.folder)
        for old in self._all()[KEPT:]:
            shutil.rmtree(old)

    def restore(self, model: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[int, Any] | None:
        """Loads the newest checkpoint that is whole; returns its update and progress, or None."""
        for folder in self._all():
            state = _verified(folder)
            if state is None:
                self._say(f"the checkpoint {folder.name} is damaged and was deleted; going back to what was before it")
                shutil.rmtree(folder)  # its name will be wanted again
                continue
            _load_trainable(model, load_file(folder / "model.safetensors"))
            _load_moments(model, optimiser, load_file(folder / "optimiser.safetensors"))
            return state["update"], state["progress"]
        return None

    def _all(self) -> list[Path]:
        """Newest first."""
        return sorted(self.folder.glob("update-*"), reverse=True)


def _verified(folder: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((folder / STATE).read_text("utf-8"))
        whole = state.pop("fingerprint") == fingerprint(state)
        whole = whole and all(sha256(folder / name) == expected for name, expected in state["sha256"].items())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return state if whole else None


def _trainable(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().contiguous() for name, p in model.named_parameters() if p.requires_grad}


def _load_trainable(model: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(tensors[name])


def _moments(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{name}/{key}": value.detach().contiguous()
        for name, parameter in model.named_parameters()
        for key, value in optimiser.state.get(parameter, {}).items()
    }


def _load_moments(model: nn.Module, optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    by_name: dict[str, dict[str, torch.Tensor]] = {}
    for full_name, value in tensors.items():
        name, _, key = full_name.rpartition("/")
        by_name.setdefault(name, {})[key] = value
    for name, parameter in model.named_parameters():
        if name in by_name:
            # The fused optimiser wants everything beside the weights, its update counter too.
            optimiser.state[parameter] = {key: value.to(parameter.device) for key, value in by_name[name].items()}
