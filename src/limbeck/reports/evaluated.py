"""The rows of `report.json` that an `evaluate` step finds out."""

from pydantic import BaseModel, ConfigDict

Interval = tuple[float | None, float | None]


class Row(BaseModel):
    """One line of a table."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)


class Evaluated(Row):
    """What an `evaluate` step found out about one data set."""

    step: str = ""
    """The step; several may look at one data set."""
    task: str = ""
    data: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """The step and its data set."""
        return self.step, self.data


class ScoreRow(Evaluated):
    """One score: of one seed, or the mean over seeds."""

    model: str
    language: str | None = None
    metric: str
    seed: int | str | None = None
    """`mean` for the mean over seeds."""
    value: float | None = None
    ci95: Interval | None = None
    notes: list[str] = []
    """`constant`: the model says the same of every example; `undefined`: the metric has no value on this data."""
    failed: str | None = None
    """Why the training of this seed failed."""
    higher_is_better: bool = True
    """Not so of losses, which are told as they are, not in points."""

    @property
    def is_mean(self) -> bool:
        """Whether the row speaks for all seeds."""
        return self.seed == "mean"


class EvidenceRow(Evaluated):
    """What the student kept on one data set, and whether the teacher helped."""

    metric: str = ""
    student: str | None = None
    """Name of a model; its score is among the scores."""
    teacher: str | None = None
    labels_only: str | None = None
    control: str | None = None
    truncated: str | None = None
    reference: str | None = None
    untrained: str | None = None
    baseline: float | None = None
    """Score of a trivial prediction."""
    retention: float | None = None
    retention_ci95: Interval | None = None
    difference_ci95: Interval | None = None
    """Of student minus teacher."""
    labels_only_difference: float | None = None
    labels_only_difference_ci95: Interval | None = None
    """Of student minus the same student, fine-tuned without a teacher."""
    control_difference: float | None = None
    control_difference_ci95: Interval | None = None
    """Of student minus control."""
    truncated_difference: float | None = None
    truncated_difference_ci95: Interval | None = None
    reference_difference: float | None = None
    reference_difference_ci95: Interval | None = None
    """Of student minus the model that it is compared with where there is no teacher."""
    untrained_difference: float | None = None
    untrained_difference_ci95: Interval | None = None
    """Of student minus the same training from fresh weights."""
    informative: bool | None = None
    learned: bool | None = None
    """Whether the student is shown to beat the untrained encoder and the trivial baseline."""
    verdict: str = ""
    difference: float | None = None
    """Student minus teacher."""
    difference_ci90: Interval | None = None
    margin: float | None = None
    equivalent: bool | None = None
    """Whether that interval lies within the margin."""


class PublishedRow(Evaluated):
    """A score that somebody else has stated, beside ours."""

    model: str
    metric: str = ""
    published: float
    source: str = ""
    differs: str = ""
    """In what that work differs from this one."""
    value: float | None = None
    """Ours."""
    ci95: Interval | None = None
    lies: str = ""
    """Theirs, of the interval of ours: above, below, within."""
    sentence: str = ""


class SliceRow(Evaluated):
    """A model's score on a part of the test examples."""

    slice: str
    part: str
    examples: int | None = None
    model: str
    metric: str = ""
    value: float | None = None
    ci95: Interval | None = None
    teacher_difference: float | None = None
    teacher_difference_ci95: Interval | None = None


class ReliabilityRow(Evaluated):
    """Of the answers that a model holds about equally certain, the share that is right."""

    model: str
    low: float
    high: float
    answers: int
    certainty: float
    right: float


class AgreementRow(Evaluated):
    """How a student answers beside its teacher; shares of examples."""

    student: str
    same: float | None = None
    same_ci95: Interval | None = None
    where_teacher_right: float | None = None
    where_teacher_right_ci95: Interval | None = None
    where_teacher_wrong: float | None = None
    where_teacher_wrong_ci95: Interval | None = None


class TransferRow(Row):
    """How a model's score on what it learned compares with its scores elsewhere."""

    step: str = ""
    model: str
    task: str = ""
    metric: str = ""
    learned: str
    """Name of the test set that is like what was learned."""
    score: float
    others: list[str] = []
    others_score: float | None = None
    """Mean over the other test sets."""
    gap: float | None = None
    """The score there minus that mean."""
    gap_ci95: Interval | None = None


class AverageRow(Row):
    """A model's mean score over all data sets of a step, by the first metric of each."""

    step: str = ""
    model: str
    datasets: list[str] = []
    value: float | None = None
    ci95: Interval | None = None
    teacher_difference: float | None = None
    teacher_difference_ci95: Interval | None = None
    retention: float | None = None
    """None where the teacher says nothing about one of the data sets."""
    retention_ci95: Interval | None = None


class LabelRow(Evaluated):
    """One model's scores for one label: strict ones for a type of entity, or those of a class."""

    model: str
    label: str
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    support: int | None = None


class Span(BaseModel):
    """A marked stretch of a text, in characters."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    label: str


class Said(BaseModel):
    """What somebody says of an example, or what should be said."""

    model_config = ConfigDict(frozen=True)

    said: str | float
    """An answer, "" for none; a class; a number."""
    certainty: float | None = None
    right: bool | None = None


class Disagreement(Evaluated):
    """A text on which student and teacher differ."""

    text: str
    question: str = ""
    """What is asked about the text."""
    gold: list[Span] = []
    teacher: list[Span] = []
    student: list[Span] = []
    says: dict[str, Said] = {}
    """What gold, teacher and student say, where there is one answer for the whole text."""
