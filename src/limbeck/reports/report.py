"""The schema of `report.json`: what a run found out, for programs.

`models`, `scores`, `evidence`, `speed` and `cost` are a contract; the other keys carry what the page shows.
Rows may hold further fields than are named here: a step may measure more than the report knows of.
Shares are fractions of 1, differences are in the units of their metric, intervals are 95 %.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Interval = tuple[float | None, float | None]


class Row(BaseModel):
    """One line of a table."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)


class ModelRow(Row):
    """A model that was scored, timed or made."""

    role: str = ""
    """teacher, student, control, truncated, reference; the step's `do` where nothing was compared."""
    parameters: int | None = None
    parameters_without_embeddings: int | None = None
    bytes: int | None = None
    format: str = "safetensors"


class ScoreRow(Row):
    """One score: of one seed, or the mean over seeds."""

    model: str
    task: str = ""
    data: str = ""
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

    @property
    def is_mean(self) -> bool:
        """Whether the row speaks for all seeds."""
        return self.seed == "mean"


class EvidenceRow(Row):
    """What the student kept on one data set, and whether the teacher helped."""

    task: str = ""
    data: str = ""
    metric: str = ""
    student: str | None = None
    """Name of a model; its score is among the scores."""
    teacher: str | None = None
    control: str | None = None
    truncated: str | None = None
    baseline: float | None = None
    """Score of a trivial prediction."""
    retention: float | None = None
    retention_ci95: Interval | None = None
    difference_ci95: Interval | None = None
    """Of student minus teacher."""
    control_difference: float | None = None
    control_difference_ci95: Interval | None = None
    """Of student minus control."""
    truncated_difference: float | None = None
    truncated_difference_ci95: Interval | None = None
    informative: bool | None = None
    verdict: str = ""
    difference: float | None = None
    """Student minus teacher."""
    difference_ci90: Interval | None = None
    margin: float | None = None
    equivalent: bool | None = None
    """Whether that interval lies within the margin."""


class PublishedRow(Row):
    """A score that somebody else has stated, beside ours."""

    model: str
    published: float
    source: str = ""
    sentence: str = ""


class SliceRow(Row):
    """A model's score on a part of the test examples."""

    slice: str
    part: str
    examples: int | None = None
    model: str
    task: str = ""
    data: str = ""
    metric: str = ""
    value: float | None = None
    ci95: Interval | None = None
    teacher_difference: float | None = None
    teacher_difference_ci95: Interval | None = None


class ReliabilityRow(Row):
    """Of the answers that a model holds about equally certain, the share that is right."""

    model: str
    task: str = ""
    data: str = ""
    low: float
    high: float
    answers: int
    certainty: float
    right: float


class AgreementRow(Row):
    """How a student answers beside its teacher; shares of examples."""

    student: str
    task: str = ""
    data: str = ""
    same: float | None = None
    same_ci95: Interval | None = None
    where_teacher_right: float | None = None
    where_teacher_right_ci95: Interval | None = None
    where_teacher_wrong: float | None = None
    where_teacher_wrong_ci95: Interval | None = None


class SpeedRow(Row):
    """Latency and throughput of one model under one condition."""

    model: str
    format: str = ""
    threads: int | None = None
    batch: int | str | None = None
    length: int | str | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    sequences_per_second: float | None = None


class RatioRow(Row):
    """How many times as fast one model is as another, timed alternately."""

    model: str
    against: str
    format: str = ""
    batch: int | str | None = None
    length: int | str | None = None
    speedup: float | None = None
    speedup_range: Interval | None = None


class LabelRow(Row):
    """One model's strict scores for one label."""

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


class Disagreement(Row):
    """A text on which student and teacher differ."""

    text: str
    gold: list[Span] = []
    teacher: list[Span] = []
    student: list[Span] = []


class Bound(Row):
    """One bound of a gate."""

    step: str
    name: str = ""
    wanted: float | None = None
    found: float | None = None
    passed: bool = False
    reason: str = ""
    """Found and wanted, in words."""


class StepRow(Row):
    """A step of the recipe and what became of it."""

    step: str
    do: str
    status: str
    """done or not made."""
    kind: str | None = None
    seconds: float | None = None
    energy_kwh_estimated: float | None = None
    """None: not measured."""
    fingerprint: str | None = None
    started: str | None = None


class TrainingRow(Row):
    """What one training step cost."""

    step: str
    do: str
    seconds: float | None = None
    updates: int | None = None
    tokens: float | None = None
    flops: float | None = None
    tokens_per_second: float | None = None
    precision: str | None = None


class Point(Row):
    """One logged update."""

    update: int
    loss: float | None = None
    held_out: float | None = None
    terms: dict[str, float] = {}
    """Mean of each objective, without its weight."""


class Probe(Row):
    """What was found out about a model after an update, 0 being before the first."""

    update: int
    found: dict[str, float]


class Curve(Row):
    """The loss of one training, thinned to a few hundred updates, and what else was measured on the way."""

    step: str
    do: str
    seed: int | None = None
    points: list[Point]
    probes: list[Probe] = []


class Accounts(BaseModel):
    """What became of everything that a corpus step saw: in = kept + dropped + errors."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    seen: int = Field(default=0, alias="in")
    kept: int = 0
    dropped: dict[str, int] = {}
    """By reason."""
    errors: int = 0


class CorpusRow(Row):
    """The text of a run."""

    step: str
    documents: int | None = None
    characters: int | None = None
    splits: dict[str, dict[str, Any]] = {}
    """Name to its documents and characters."""
    counts: dict[str, Accounts] = {}
    """Of files, documents and paragraphs."""
    errors: list[str] = []
    """A sentence for each file or record that could not be read, the first ones."""


class TokenizerRow(Row):
    """How one tokenizer cuts held-out text."""

    step: str
    """The step that measured it, beside its own tokenizer."""
    tokenizer: str
    vocabulary: int | None = None
    tokens_per_word: float | None = None
    words_split: float | None = None
    """Share of the words that become two tokens or more."""
    words_known: float | None = None
    """Share of the words without the unknown token."""
    characters_known: float | None = None
    characters_per_token: float | None = None


class Cost(Row):
    """Sums over the training steps; of energy over every step that measured it."""

    seconds: float = 0.0
    tokens: float | None = None
    """None: no step recorded any."""
    flops: float | None = None
    energy_kwh_estimated: float | None = None
    """None: not measured."""
    co2_g_estimated: float | None = None
    """None: not known for all of that energy."""


class Report(BaseModel):
    """Everything a run found out."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    description: str = ""
    version: str
    """Limbeck's version when the report was written."""
    finished: bool
    headline: str
    """The outcome in plain words."""
    remarks: list[str] = []
    """What is missing or could not be read."""
    warnings: list[str] = []
    """What went wrong in a training although it ended."""
    models: dict[str, ModelRow] = {}
    scores: list[ScoreRow] = []
    evidence: list[EvidenceRow] = []
    published: list[PublishedRow] = []
    slices: list[SliceRow] = []
    calibration: list[ScoreRow] = []
    """Calibration errors, in rows like those of scores."""
    reliability: list[ReliabilityRow] = []
    agreement: list[AgreementRow] = []
    speed: list[SpeedRow] = []
    ratios: list[RatioRow] = []
    cost: Cost = Cost()
    training: list[TrainingRow] = []
    curves: list[Curve] = []
    per_label: list[LabelRow] = []
    disagreements: list[Disagreement] = []
    gates: list[Bound] = []
    corpora: list[CorpusRow] = []
    tokenizers: list[TokenizerRow] = []
    steps: list[StepRow] = []
    examples: int | None = None
    """Test examples behind the scores."""
    resamples: int | None = None
    """Bootstrap resamples behind the intervals."""
    threads: int | None = None
    """Threads behind the latencies."""
    timing_notes: list[str] = []
    """What the benchmark left out, and why."""
    environment: dict[str, Any] = {}
    recipe: dict[str, Any] = {}

    def mean_score(self, model: str | None, evidence: EvidenceRow) -> float | None:
        """A model's score, over all seeds, on what `evidence` is about."""
        about = (model, evidence.task, evidence.data, evidence.metric)
        rows = (row for row in self.scores if row.is_mean and (row.model, row.task, row.data, row.metric) == about)
        return next((row.value for row in rows), None)
