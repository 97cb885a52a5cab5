"""Named methods: what a paper did, as data (`presets/*.yaml`). The files' headers say what to expect of each."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from limbeck.config import did_you_mean
from limbeck.errors import RecipeError


def _folder() -> Traversable:
    return files("limbeck.objectives") / "presets"


def preset_names() -> list[str]:
    """All named methods, in alphabetical order."""
    names = (entry.name for entry in _folder().iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def preset(name: str) -> dict[str, Any]:
    """Fields of a `distil` step as published: student, objectives, rates, masking.

    Raises:
        RecipeError: no method has that name.
    """
    names = preset_names()
    if name not in names:
        raise RecipeError(f'there is no method "{name}"{did_you_mean(name, names)}')
    fields: dict[str, Any] = yaml.safe_load((_folder() / f"{name}.yaml").read_text("utf-8"))
    return fields
