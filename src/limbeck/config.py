"""What every part of a recipe is made of: frozen, strict pydantic models and `@step` references."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from limbeck.errors import RecipeError


class Config(BaseModel):
    """Base of everything that a recipe configures: immutable, and it refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, value: Any) -> Any:
        """Refuses before pydantic would, so that the message can say which field was meant."""
        if isinstance(value, Mapping):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for name in value:
                if name not in known:
                    raise ValueError(f'unknown field "{name}"{did_you_mean(str(name), known)}')
        return value

    @classmethod
    def parse(cls, value: Mapping[str, Any], where: str) -> Self:
        """Validates `value`; a problem becomes one `RecipeError` that names `where` it stands."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise RecipeError(explain(error, where, value)) from None


class StepRef(str):
    """A reference `@name` to an earlier step; `kinds` are the kinds of artifact that may stand there."""

    __slots__ = ("kinds",)
    kinds: tuple[str, ...]

    def __new__(cls, value: str, kinds: tuple[str, ...] = ()) -> Self:
        """`value` includes the `@`; without `kinds` only while a copy is being made."""
        ref = super().__new__(cls, value)
        ref.kinds = kinds
        return ref

    @property
    def step(self) -> str:
        """Name of the step referred to."""
        return self[1:]


def _only_ref(*kinds: str) -> AfterValidator:
    def check(value: str) -> StepRef:
        if not value.startswith("@"):
            raise ValueError(f'{value!r} should refer to an earlier step, as in "@name"')
        return StepRef(value, kinds)

    return AfterValidator(check)


def _ref_or_name(*kinds: str) -> AfterValidator:
    return AfterValidator(lambda value: StepRef(value, kinds) if value.startswith("@") else value)


CorpusRef = Annotated[str, _only_ref("corpus")]
ScoresRef = Annotated[str, _only_ref("scores")]
SpeedRef = Annotated[str, _only_ref("speed")]
CacheRef = Annotated[str, _only_ref("cache")]
ModelRef = Annotated[str, _only_ref("model")]
ModelSource = Annotated[str, _ref_or_name("model", "members")]
"""A Hub id, a local folder, `@step`, or `package:MODULE/PATH`."""
TokenizerSource = Annotated[str, _ref_or_name("tokenizer", "model", "members")]
"""A `tokenizer` step, or a model (written as any other) whose tokenizer is meant."""
MembersRef = Annotated[str, _only_ref("members")]
"""A `finetune` step: one fine-tuned model per seed."""


def references(value: object) -> Iterator[StepRef]:
    """Every `@step` inside a config, depth first, in the order of its fields."""
    if isinstance(value, StepRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from references(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for item in value:
            yield from references(item)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """` (did you mean "x"?)`, or the list of what is known when nothing is close."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known: {', '.join(sorted(known))}" if known else ""


def explain(error: ValidationError, where: str, value: object) -> str:
    """One line per problem of `value`: where it stands, what is wrong, what was found, what is close."""
    return "\n".join(_explain_one(problem, where, value) for problem in error.errors())


def _explain_one(problem: Any, where: str, value: object) -> str:
    path = ".".join([where, *_written(problem["loc"], value)])
    message = str(problem["msg"])
    match problem["type"]:
        case "missing":
            return f'{path}: the field "{problem["loc"][-1]}" is missing'
        case "union_tag_invalid":
            context = problem["ctx"]
            known = [tag.strip().strip("'") for tag in context["expected_tags"].split(",")]
            key = str(context["discriminator"]).strip("'")
            return f'{path}: unknown {key} "{context["tag"]}"{did_you_mean(context["tag"], known)}'
        case "union_tag_not_found":
            key = str(problem["ctx"]["discriminator"]).strip("'")
            return f'{path}: the field "{key}" is missing; it says which kind this is'
        case "value_error":
            return f"{path}: {message.removeprefix('Value error, ')}"
        case _:
            return f"{path}: {message[0].lower()}{message[1:]}; found {problem['input']!r}"


def _written(location: Sequence[str | int], value: Any) -> Iterator[str]:
    """The parts of a location that the reader wrote; pydantic adds the names of types and of alternatives."""
    for part in location:
        in_list = isinstance(value, list | tuple) and isinstance(part, int)
        if in_list or (isinstance(value, Mapping) and part in value):
            value = value[part]
            yield str(part)


class Step(Config):
    """Base of every step of a recipe; a subclass adds `do: Literal["name"] = "name"` and its fields."""

    do: str
    seed: int | None = Field(default=None, ge=0)
    """Overrides the recipe's seed for this step."""

    def outside(self) -> Any:
        """JSON identity of what the step reads from outside the run; a change makes the step run again."""
        return None
