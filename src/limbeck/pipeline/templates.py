"""The recipes that come with Limbeck, as text to start from."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from limbeck.config import did_you_mean
from limbeck.errors import RecipeError


def template_names() -> list[str]:
    """Names that `read_template` knows."""
    return sorted(path.name.removesuffix(".yaml") for path in _folder().iterdir() if path.name.endswith(".yaml"))


def read_template(name: str) -> str:
    """The commented YAML of a recipe.

    Raises:
        RecipeError: there is no recipe of that name.
    """
    path = _folder() / f"{name}.yaml"
    if not path.is_file():
        raise RecipeError(f'there is no template "{name}"{did_you_mean(name, template_names())}')
    return path.read_text("utf-8")


def write_template(name: str, target: Path) -> list[Path]:
    """Writes a recipe, and beside it those that it is laid over, unless they are there; returns what was written.

    Raises:
        RecipeError: there is no recipe of that name, or `target` is there already or cannot be written.
    """
    text = read_template(name)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RecipeError(f"{target} exists already; choose another name with --to") from None
    except OSError as error:
        raise RecipeError(f"{target} cannot be written ({error.strerror}); choose another place with --to") from None
    base = yaml.safe_load(text).get("base") or []
    written = [target]
    for name in [base] if isinstance(base, str) else base:
        if not (target.parent / name).exists():
            written += write_template(name.removesuffix(".yaml"), target.parent / name)
    return written


def _folder() -> Traversable:
    return files("limbeck") / "recipes"
