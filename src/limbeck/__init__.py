"""Limbeck distils BERT-family encoders into small, fast students, and proves what was kept and gained."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck.pipeline.planning import plan as plan
    from limbeck.pipeline.recipe import load_recipe as load_recipe
    from limbeck.pipeline.running import run as run
    from limbeck.stages.distil import distil as distil

__version__ = "0.1.0"
__all__ = ["__version__", "distil", "load_recipe", "plan", "run"]

_HOMES = {
    "distil": "limbeck.stages.distil",
    "load_recipe": "limbeck.pipeline.recipe",
    "plan": "limbeck.pipeline.planning",
    "run": "limbeck.pipeline.running",
}


def __getattr__(name: str) -> Any:
    """Loads a public name at its first use, so that `import limbeck` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'limbeck' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
