"""What a recipe says of an evaluation."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, TypeAdapter, ValidationInfo, field_validator, model_validator

from limbeck.config import MembersRef, ModelSource, Step
from limbeck.evaluation.published import Published
from limbeck.models.sources import identity
from limbeck.tasks.raw_data import AnyTest, Raw
from limbeck.tasks.sources import name_of
from limbeck.tasks.suites import Dataset, Suite

Members = ModelSource | Annotated[list[ModelSource], Field(min_length=1)]

_FINE_TUNED: TypeAdapter[dict[str, Members]] = TypeAdapter(dict[str, MembersRef | list[MembersRef]])


class EvaluateStep(Step):
    """Scores models against each other; their names say what they are.

    `teacher`, `labels_only`, `control`, `truncated`, `untrained` and `reference` are roles; others are students.
    """

    do: Literal["evaluate"] = "evaluate"
    data: AnyTest | None = None
    """Whose test part to use; by default the one that the models were fine-tuned with. Or what models are asked that
    have no head of a task."""
    models: dict[str, Members] = Field(min_length=1)
    """`"@step"`, or a list of such steps whose models are scored together, as of one training with several seeds.
    Fine-tuned ones; any, where `data` is for models without a head of a task."""
    language: str = ""
    """Of the test data: `en`, `sv`, ...; it decides how written answers are compared."""
    tests: tuple[Dataset, ...] = ()
    """Several test sets, such as one for each language, in place of `data`."""
    suite: Suite | None = None
    """The test parts of a suite's data sets, in place of `data`."""
    learned: str = ""
    """Which of several test sets is like what the models were fine-tuned with: the others show how it transfers."""
    resamples: int = Field(default=10_000, ge=1_000)
    """Bootstrap resamples behind every interval."""
    margin: PositiveFloat = 0.01
    """A student no farther than this from its teacher is as good as equal; 0.01 is 1 point."""
    published: tuple[Published, ...] = ()
    """Scores that others have stated of such models, to stand beside ours with what differs."""

    @field_validator("models")
    @classmethod
    def _fine_tuned(cls, models: dict[str, Members], info: ValidationInfo) -> dict[str, Members]:
        """Validated after `data`, which says what models there have to be."""
        return models if isinstance(info.data.get("data"), Raw) else _FINE_TUNED.validate_python(models)

    @field_validator("models")
    @classmethod
    def _each_once(cls, models: dict[str, Members]) -> dict[str, Members]:
        for name, refs in models.items():
            if len(set(listed(refs))) < len(listed(refs)):
                raise ValueError(f"a step's models count once; found {', '.join(listed(refs))} under {name}")
        return models

    @field_validator("tests")
    @classmethod
    def _names_differ(cls, tests: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
        names = [test.name for test in tests]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise ValueError(f"two test sets are called {name}; give each a name of its own")
        return tests

    @model_validator(mode="after")
    def _published_of_these(self) -> Self:
        for entry in self.published:
            if entry.model not in self.models:
                known = ", ".join(self.models)
                raise ValueError(f"a score is published of {entry.model}, which is none of the models: {known}")
        return self

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("data", "tests", "suite") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"give one of data, tests and suite; found {' and '.join(given)}")
        if self.learned and self.learned not in [test.name for test in self.tests]:
            known = ", ".join(test.name for test in self.tests) or "there are no tests"
            raise ValueError(f'learned names one of the tests, and "{self.learned}" is none: {known}')
        return self

    def named_tests(self) -> list[Dataset]:
        """The test sets that the recipe names; none where the models' own are meant, or no task at all.

        Raises:
            DataError: a data set of the suite is not there.
        """
        if self.suite is not None:
            return self.suite.datasets()
        if self.data is not None and not isinstance(self.data, Raw):
            name = name_of(self.data.model_dump())
            return [Dataset.model_construct(name=name, language=self.language, data=self.data)]
        return list(self.tests)

    def outside(self) -> Any:
        """Identity of the data files, where they are named here, and of models that no step of the recipe makes."""
        if not isinstance(self.data, Raw):
            return {test.name: test.data.outside() for test in self.named_tests()} or None
        refs = [ref for refs in self.models.values() for ref in listed(refs) if not ref.startswith("@")]
        return {"data": self.data.outside(), "models": {ref: identity(ref) for ref in refs}}


def listed(refs: str | list[str]) -> list[str]:
    """The steps under one name, be they one or several."""
    return [refs] if isinstance(refs, str) else refs
