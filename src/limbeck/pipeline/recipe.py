"""A recipe: read from YAML, overlaid, overridden, validated. Nothing heavy is imported before it is right."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field

from limbeck.config import Config, did_you_mean
from limbeck.errors import RecipeError
from limbeck.pipeline.references import check_references
from limbeck.stages import AnyStep


def _iso_code(country: str) -> str:
    if not re.fullmatch("[A-Z]{3}", country):
        raise ValueError(
            f'a country is three capital letters (ISO 3166-1 alpha-3), as in SWE for Sweden; found "{country}"'
        )
    return country


Country = Annotated[str, AfterValidator(_iso_code)]


class SingleEngine(Config):
    """One process on this machine."""

    kind: Literal["single"] = "single"
    checkpoint_seconds: float = Field(default=60, ge=0)
    """Training saves its state this often, so that an interruption loses no more than this."""
    country: Country | None = None
    """Whose electricity it runs on, as in `SWE` (ISO 3166-1 alpha-3), to tell CO2 from energy."""


def _fit_for_a_folder(name: str) -> str:
    if not re.fullmatch(r"\w[\w-]*", name):
        raise ValueError(f'the name of a step has letters, digits, - and _, because it names a folder; found "{name}"')
    return name


StepName = Annotated[str, AfterValidator(_fit_for_a_folder)]


class Recipe(Config):
    """Named steps, each of which makes one artifact from earlier ones."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """Names the run's folder: small letters, digits, `-` and `_`."""
    description: str = ""
    """One sentence for the report."""
    seed: int = Field(default=42, ge=0)
    """Every step's seed unless the step sets its own."""
    engine: SingleEngine = SingleEngine()
    steps: dict[StepName, AnyStep] = Field(min_length=1)

    def resolved(self) -> dict[str, Any]:
        """The recipe with every default spelt out, as plain data."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Reads a recipe, its bases and `path.to.field=value` overrides, and validates all of it.

    Raises:
        RecipeError: one line per problem; nothing has been run or loaded.
    """
    return parse_recipe(overridden(_read_with_base(Path(path), ()), overrides), str(path))


def overridden(value: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Plain data with `path.to.field=value` set in it.

    Raises:
        RecipeError: an override is not of that form.
    """
    for override in overrides:
        value = _set(value, override)
    return value


def parse_recipe(value: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Validates a recipe given as plain data."""
    recipe = Recipe.parse({"name": Path(where).stem, **value}, where)
    steps = {
        name: step if step.seed is not None else step.model_copy(update={"seed": recipe.seed})
        for name, step in recipe.steps.items()
    }
    check_references(steps, where)
    return recipe.model_copy(update={"steps": steps})


def _read_with_base(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        chain = " -> ".join(p.name for p in (*seen, path))
        raise RecipeError(f"{path}: its bases form a cycle: {chain}")
    value = _read_yaml(path)
    below: dict[str, Any] = {}
    for base in _bases(value.pop("base", None), path):
        below = _merge(below, _read_with_base(path.parent / base, (*seen, path.resolve())))
    merged: dict[str, Any] = _merge({**below, "name": path.stem} if below else {}, value)
    return merged


def _bases(base: Any, path: Path) -> list[str]:
    """The recipes that one is laid over, the lowest first."""
    bases = [] if base is None else base if isinstance(base, list) else [base]
    if not all(isinstance(name, str) for name in bases):
        raise RecipeError(f"{path}: base should be the path of another recipe, or a list of paths; found {base!r}")
    return bases


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_text("utf-8"), Loader=_StrictLoader)
    except FileNotFoundError:
        raise RecipeError(f"{path}: there is no such recipe; `limbeck init` writes one") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read as a recipe: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: cannot be read as a recipe, it is not UTF-8 (byte {error.start})") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        found = "an empty file" if value is None else f"a {type(value).__name__}"
        raise RecipeError(f"{path}: a recipe is a mapping with `name` and `steps`; found {found}")
    return value


_MERGE = "tag:yaml.org,2002:merge"


class _StrictLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word, which would drop a step."""


def _unique_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    shared: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        if key_node.tag == _MERGE:
            shared = _shared_fields(loader, value_node)
            continue
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is not a name", key_node.start_mark)
        if key in mapping:
            raise yaml.constructor.ConstructorError(None, None, f'"{key}" stands twice', key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return {**shared, **mapping}


def _shared_fields(loader: yaml.SafeLoader, node: yaml.Node) -> dict[Any, Any]:
    """What `<<: *anchor` brings: fields that the mapping's own go before."""
    fields = loader.construct_object(node, deep=True)
    if not isinstance(fields, dict):
        problem = f"`<<` takes one anchor of a mapping, as in `<<: *name`; found {fields!r}"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return fields


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def _merge(below: Any, above: Any) -> Any:
    """Lays `above` over `below`: mappings of one kind merge, null deletes, everything else replaces."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    if any(tag in above and above[tag] != below.get(tag) for tag in ("do", "kind")):
        return above
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _set(recipe: dict[str, Any], override: str) -> dict[str, Any]:
    """Applies `a.b=value`; the value is YAML; a list is entered by position."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise RecipeError(f'--set takes path=value, as in steps.student.updates=100; found "{override}"')
    keys = path.split(".")
    steps = recipe.get("steps")
    if keys[0] == "steps" and len(keys) > 2 and isinstance(steps, dict) and keys[1] not in steps:
        raise RecipeError(f'--set {path}: there is no step "{keys[1]}"{did_you_mean(keys[1], list(steps))}')
    try:
        value = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {path}: the value is not valid YAML: {' '.join(str(error).split())}") from None
    result: dict[str, Any] = _placed(recipe, keys, value, path)
    return result


def _placed(container: Any, keys: Sequence[str], value: Any, path: str) -> Any:
    if not keys:
        return value
    key, *rest = keys
    if isinstance(container, list):
        if not key.isdigit() or int(key) >= len(container):
            raise RecipeError(f'--set {path}: "{key}" is no position in a list of {len(container)}')
        place = int(key)
        return [_placed(item, rest, value, path) if n == place else item for n, item in enumerate(container)]
    if container is not None and not isinstance(container, dict):
        raise RecipeError(f'--set {path}: "{key}" cannot be set inside {container!r}')
    inside = container or {}
    if not rest and value is None:
        return {name: item for name, item in inside.items() if name != key}
    return {**inside, key: _placed(inside.get(key), rest, value, path)}
