import copy
import pickle
from typing import Annotated, Literal

import pytest
from pydantic import ConfigDict, Field, ValidationError

from limbeck.config import Config, CorpusRef, MembersRef, ModelSource, ScoresRef, SpeedRef, Step, StepRef, references
from limbeck.errors import RecipeError


class Soft(Config):
    kind: Literal["soft"] = "soft"
    temperature: float = Field(default=2.0, gt=0)


class Matched(Config):
    kind: Literal["matched"] = "matched"
    layers: tuple[int, ...] = (1,)
    teacher: ModelSource | None = None


class Cut(Config):
    model_config = ConfigDict(serialize_by_alias=True)

    keep: int
    from_: Literal["bottom", "top"] = Field(default="bottom", alias="from")


class Student(Step):
    do: Literal["student"] = "student"
    model: ModelSource
    corpus: CorpusRef
    objectives: list[Annotated[Soft | Matched, Field(discriminator="kind")]] = Field(default=[])
    cut: Cut | None = None
    given: ModelSource | Cut | None = None
    by_name: dict[str, Matched] = Field(default={})


class Recipe(Config):
    name: str
    steps: dict[str, Annotated[Student, Field()]]


GOOD = {"do": "student", "model": "@teacher", "corpus": "@text"}


def _refusal(**changes: object) -> str:
    value = {name: item for name, item in {**GOOD, **changes}.items() if item != "left out"}
    with pytest.raises(RecipeError) as caught:
        Recipe.parse({"name": "x", "steps": {"small": value}}, "recipe")
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"modle": 1}, 'recipe.steps.small: unknown field "modle"; did you mean "model"?'),
        ({"zzz": 1}, 'recipe.steps.small: unknown field "zzz"; known: by_name, corpus, cut, do, given, model'),
        ({"model": "left out"}, 'recipe.steps.small: the field "model" is missing'),
        ({"model": 3}, "recipe.steps.small.model: input should be a valid string; found 3"),
        ({"corpus": "text"}, """recipe.steps.small.corpus: 'text' should refer to an earlier step, as in "@name\""""),
        ({"seed": -1}, "recipe.steps.small.seed: input should be greater than or equal to 0; found -1"),
        ({"cut": {"keep": 1, "form": "top"}}, 'recipe.steps.small.cut: unknown field "form"; did you mean "from"?'),
        ({"cut": {"keep": 1, "from_": "top"}}, 'unknown field "from_"; did you mean "from"?'),
        ({"cut": {}}, 'recipe.steps.small.cut: the field "keep" is missing'),
        ({"cut": 3}, "recipe.steps.small.cut: input should be a valid dictionary"),
        (
            {"objectives": [{"kind": "soft"}, {"kind": "soft", "temprature": 4}]},
            'recipe.steps.small.objectives.1: unknown field "temprature"; did you mean "temperature"?',
        ),
        (
            {"objectives": [{"kind": "sofd"}]},
            'recipe.steps.small.objectives.0: unknown kind "sofd"; did you mean "soft"?',
        ),
        ({"objectives": [{"kind": 7}]}, 'objectives.0: unknown kind "7"; known: matched, soft'),
        (
            {"objectives": [{"temperature": 4}]},
            'recipe.steps.small.objectives.0: the field "kind" is missing; it says which kind this is',
        ),
        (
            {"objectives": [{"kind": "soft", "temperature": float("nan")}]},
            "recipe.steps.small.objectives.0.temperature: input should be a finite number; found nan",
        ),
        ({"objectives": [{"kind": "soft", "temperature": float("inf")}]}, "temperature: input should be a finite"),
        ({"objectives": [{"kind": "matched", "layers": [1, "x"]}]}, "objectives.0.layers.1: input should be a valid"),
        ({"given": {"kep": 1}}, 'recipe.steps.small.given: unknown field "kep"; did you mean "keep"?'),
        ({"by_name": {"a": {"layer": [1]}}}, 'recipe.steps.small.by_name.a: unknown field "layer"; did you mean'),
    ],
)
def test_what_is_wrong_what_was_found_what_was_meant(changes, sentence):
    """A misspelt field that is dropped without a word makes a run of something else."""
    assert sentence in _refusal(**changes)


def test_places_are_written_as_in_the_recipe():
    """A place that names our classes cannot be found in the file, nor given to --set."""
    for changes in ({"objectives": [{"kind": "soft", "temperature": -1}]}, {"given": {"kep": 1}}, {"given": 3}):
        for line in _refusal(**changes).splitlines():
            place = line.partition(": ")[0]
            assert set(place.split(".")) <= {"recipe", "steps", "small", "objectives", "0", "temperature", "given"}


def test_every_problem_is_said_at_once():
    """Ten mistakes found one at a time take ten runs."""
    value = {"small": {**GOOD, "corpus": "text"}, "large": {"do": "student", "corpus": "@text"}}
    with pytest.raises(RecipeError) as caught:
        Recipe.parse({"name": "x", "steps": value}, "recipe")
    assert len(str(caught.value).splitlines()) == 2


def test_a_config_cannot_be_changed():
    """What is saved with the run is what ran."""
    step = Student.parse(GOOD, "small")
    with pytest.raises(ValidationError, match="frozen"):
        step.model = "other"


def test_fields_are_documented_by_their_docstrings():
    """Documentation kept elsewhere grows old."""
    assert Step.model_fields["seed"].description == "Overrides the recipe's seed for this step."


def test_a_field_with_an_alias_is_read_and_written_by_it():
    """A resolved recipe with `from_` in it could not be run again."""
    cut = Cut.parse({"keep": 2, "from": "top"}, "cut")
    assert cut.model_dump() == {"keep": 2, "from": "top"}
    assert Cut.parse(cut.model_dump(), "cut") == cut


def test_references_are_found_wherever_they_stand():
    """A step that starts before the one it reads fails after hours, or reads the run before."""
    step = Student.parse(
        {
            **GOOD,
            "objectives": [{"kind": "soft"}, {"kind": "matched", "teacher": "@big"}],
            "given": "@cut",
            "by_name": {"a": {"teacher": "@one"}, "b": {"teacher": "org/model"}},
        },
        "small",
    )
    assert list(references(step)) == ["@teacher", "@text", "@big", "@cut", "@one"]
    assert [ref.step for ref in references(step)] == ["teacher", "text", "big", "cut", "one"]
    assert list(references([("@text", step.corpus), None, 3, b"@x"])) == ["@text"], "a bare string is only a string"


def test_a_reference_says_what_may_stand_there():
    """A corpus given as a model should be refused before anything runs."""

    class Holder(Config):
        corpus: CorpusRef
        model: ModelSource
        members: MembersRef
        scores: ScoresRef
        speed: SpeedRef

    holder = Holder.parse(dict.fromkeys(Holder.model_fields, "@a"), "holder")
    assert [ref.kinds for ref in references(holder)] == [
        ("corpus",),
        ("model", "members"),
        ("members",),
        ("scores",),
        ("speed",),
    ]
    assert type(Holder.parse({**holder.model_dump(), "model": "org/model"}, "holder").model) is str


def test_a_reference_survives_copies_and_dumps():
    """A config handed to another process, or copied with a change, still refers to the same step."""
    step = Student.parse(GOOD, "small")
    for again in (pickle.loads(pickle.dumps(step)), copy.deepcopy(step), step.model_copy(update={"seed": 1})):
        assert [(ref, ref.kinds) for ref in references(again)] == [
            ("@teacher", ("model", "members")),
            ("@text", ("corpus",)),
        ]
    assert step.model_dump(mode="json")["model"] == "@teacher"
    assert Student.parse(step.model_dump(mode="json"), "small") == step
    assert StepRef("@a", ("model",)).step == "a"


def test_what_a_step_reads_outside_is_nothing_by_default():
    """A step that reads only earlier steps should not run again when something outside changes."""
    assert Student.parse(GOOD, "small").outside() is None
