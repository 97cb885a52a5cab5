"""The recipes that come with Limbeck, as text to start from."""

from importlib.resources import files
from importlib.resources.abc import Traversable

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


def _folder() -> Traversable:
    return files("limbeck") / "recipes"
