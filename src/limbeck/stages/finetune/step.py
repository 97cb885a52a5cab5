"""What a recipe says of fine-tuning."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, field_validator, model_validator

from limbeck.config import ModelSource, Step
from limbeck.models.sources import identity
from limbeck.objectives import AnyObjective
from limbeck.stages.finetune.augmenting import Augment
from limbeck.stages.finetune.unlabelled import Unlabelled, check_unlabelled
from limbeck.tasks.data import AnyData
from limbeck.tasks.sources import name_of
from limbeck.tasks.suites import Dataset, Suite
from limbeck.tasks.task_names import TaskName
from limbeck.teachers import LiveTeacher
from limbeck.training.config import Training
from limbeck.training.search import Search

HARD = [{"kind": "hard_labels"}]
TEACHING: dict[TaskName, dict[str, Any]] = {
    "question_answering": {"temperature": 2.0},
    "sequence_classification": {"temperature": 2.0},
    "token_classification": {"temperature": 1.0},
    "regression": {"loss": "mse"},
}
"""How the teacher is heard in DistilBERT's second step of distillation, half and half with the labels.

A number has no distribution over classes. And of words nearly all are no entity: what a softened teacher leaves there
to other tags outweighs the entities (measured: docs/steps.md).
"""


class FinetuneStep(Step, Training):
    """Fine-tunes one model per seed, and per data set of a suite; all members are in its one artifact."""

    do: Literal["finetune"] = "finetune"
    model: ModelSource
    untrained: bool = False
    """Start from fresh weights of the same architecture: the floor that a teacher has to beat."""
    freeze_encoder: bool = False
    """Train the head alone: a probe of what the encoder knows already."""
    data: AnyData | None = None
    """What it learns; the kind of the data says which task that is. Either this or `suite`."""
    suite: Suite | None = None
    """Several data sets, each learned by models of its own. Either this or `data`."""
    teacher: LiveTeacher | None = None
    """A fine-tuned model to learn from as well, or several; of a `finetune` step, the member with the same seed."""
    objectives: list[AnyObjective] | None = Field(default=None, min_length=1)
    """By default the labels; with a teacher, labels and the teacher's soft labels, half and half."""
    unlabelled: Unlabelled | None = None
    """Text without labels to learn from as well: there the teacher alone is heard."""
    augment: Augment | None = None
    """Copies of the training examples with other words to learn from as well: there the teacher alone is heard."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(), max_length=50)
    """One member for each; by default the step's seed."""
    search: Search | None = None
    """Settings to try first. Give all models that are compared the same search."""
    length: int = Field(default=256, ge=16)
    """Longest window in tokens; longer texts are read in several that overlap."""
    stride: int = Field(default=64, ge=0)
    """Tokens that neighbouring windows share."""
    learning_rate: float = Field(default=2e-4, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _three_epochs(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or value.get("updates") is not None or value.get("epochs") is not None:
            return value
        return {**value, "epochs": 3}

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.data is None) == (self.suite is None):
            raise ValueError(f"give either `data` or `suite`; found {'neither' if self.data is None else 'both'}")
        return self

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"each seed makes one model and can stand once; found {list(seeds)}")
        return seeds

    @field_validator("objectives")
    @classmethod
    def _without_pairs(cls, objectives: list[AnyObjective] | None) -> list[AnyObjective] | None:
        if any(objective.kind == "next_sentence" for objective in objectives or []):
            raise ValueError(
                "next_sentence judges pairs of texts, and the examples of a task are no such pairs; leave it out here,"
                " and use it in a distil or pretrain step"
            )
        return objectives

    @model_validator(mode="after")
    def _objectives_fit_the_task(self) -> Self:
        from limbeck.tasks.data import task_of

        for objective in self.objectives or []:
            for dataset in self.datasets() if self.data else []:
                objective.check_head(task_of(dataset.data).head)
        return self

    @model_validator(mode="after")
    def _somebody_knows(self) -> Self:
        """Refuses examples without labels where no teacher is heard, and those of another kind than the data's."""
        for name in ("unlabelled", "augment"):
            if getattr(self, name) is None:
                continue
            if self.teacher is None:
                raise ValueError(
                    f"nobody says what the examples of `{name}` mean, for this step has no teacher; name one with"
                    f" `teacher:`, or leave `{name}` out"
                )
            if self.objectives is not None and not any(each.uses_teacher for each in self.objectives):
                raise ValueError(
                    f"the examples of `{name}` have no labels, and no objective hears the teacher; add soft_labels, or"
                    f" leave `{name}` out"
                )
        if self.unlabelled is not None:
            check_unlabelled(self.unlabelled, self.data)
        return self

    @property
    def models(self) -> list[str]:
        """The model, and the teachers if there are any."""
        return [self.model, *(self.teacher.models if self.teacher else [])]

    @property
    def fillers(self) -> list[str]:
        """Who may propose words for copies, unless one is named: the teachers, then the model."""
        return [*self.models[1:], self.model]

    def taught_alone(self, examples: int) -> int:
        """How many examples without labels are read, at most, beside so many with labels."""
        copies = self.augment.most_copies(examples) if self.augment else 0
        return copies + (self.unlabelled.most if self.unlabelled else 0)

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """Of the members, for each data set."""
        return self.seeds or (self.seed or 0,)

    @property
    def trainings(self) -> int:
        """How many models are trained for each data set, those that are only tried included."""
        return len(self.all_seeds) + (len(self.search.settings()) - 1 if self.search else 0)

    @property
    def passes(self) -> int:
        """How many passes of the model a token costs: forward, and backward for inputs and weights of its encoder."""
        return 1 if self.freeze_encoder else 3

    def datasets(self) -> list[Dataset]:
        """What is learned.

        Raises:
            DataError: a data set of the suite is not there.
        """
        if self.suite is not None:
            return self.suite.datasets()
        assert self.data is not None
        return [Dataset.model_construct(name=name_of(self.data.model_dump()), language="", data=self.data)]

    def objectives_for(self, task: TaskName) -> list[AnyObjective]:
        """What is minimised, where the recipe leaves it open what suits the task."""
        if self.objectives is not None:
            return self.objectives
        half = [{**HARD[0], "weight": 0.5}, {"kind": "soft_labels", "weight": 0.5, **TEACHING[task]}]
        return TypeAdapter(list[AnyObjective]).validate_python(half if self.teacher else HARD)

    def outside(self) -> Any:
        """Identity of the data files, and of models that no step of the recipe makes."""
        source = self.suite or self.data
        assert source is not None
        more = [self.augment.model] if self.augment and self.augment.model else []
        found = {"data": source.outside(), **{ref: identity(ref) for ref in [*self.models, *more] if ref[:1] != "@"}}
        unlabelled = self.unlabelled.data if self.unlabelled else None
        return found if unlabelled is None else {**found, "unlabelled": unlabelled.outside()}
