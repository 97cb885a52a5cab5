"""The schema of `report.json`: what a run found out, for programs.

`models`, `scores`, `evidence`, `speed` and `cost` are a contract; the other keys carry what the page shows.
Rows may hold further fields than are named here: a step may measure more than the report knows of.
Shares are fractions of 1, differences are in the units of their metric, intervals are 95 %.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from limbeck.reports.evaluated import (
    AgreementRow,
    AverageRow,
    Disagreement,
    EvidenceRow,
    Interval,
    LabelRow,
    PublishedRow,
    ReliabilityRow,
    Row,
    ScoreRow,
    SliceRow,
    TransferRow,
)


class ModelRow(Row):
    """A model that was scored, timed or made."""

    role: str = ""
    """teacher, student, control, truncated, reference; the step's `do` where nothing was compared."""
    parameters: int | None = None
    parameters_without_embeddings: int | None = None
    bytes: int | None = None
    format: str = "safetensors"


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


class FormatRow(Row):
    """A way of making a format, compared with float32 on text; of the one that was chosen also on the task."""

    step: str
    format: str = ""
    way: str = ""
    shipped: bool = False
    reason: str = ""
    """Why it was shipped, or why not."""
    bytes: int | None = None
    speedup: float | None = None
    """How many times as fast as float32, one thread each, timed in turn."""
    cosine: float | None = None
    """Mean over tokens, texts or ends of answers."""
    least_cosine: float | None = None
    differing: float | None = None
    """Share of those whose best class or place differs."""
    data: str = ""
    metric: str = ""
    examples: int | None = None
    float32_score: float | None = None
    score: float | None = None
    difference: float | None = None
    difference_ci95: Interval | None = None


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
    words_aligned: dict[str, float] | None = None
    """Of two tokenizers: the `words` of the text, how many both found (`shared`), and their `share`."""
    packed: dict[str, float] | None = None
    """`rows` that hold several texts each, and the share of `padding` in them."""


class TriedRow(Row):
    """One setting that the search of a fine-tuning tried with its first seed."""

    step: str
    data: str = ""
    learning_rate: float | None = None
    epochs: float | None = None
    dev_score: float | None = None
    """By the first metric, on development data."""
    chosen: bool = False
    failed: str | None = None
    """Why there is no score."""


class FailedRow(Row):
    """A seed of which the training went wrong."""

    step: str
    """That trained or that scored it."""
    model: str = ""
    """Where it was scored."""
    data: str = ""
    seed: int | str | None = None
    reason: str
    counted: bool = False
    """Whether it has a score all the same, which is part of the mean."""


class Point(Row):
    """One logged update."""

    update: int
    loss: float | None = None
    held_out: float | None = None
    terms: dict[str, float] = Field(default_factory=dict)
    """Mean of each objective, without its weight."""


class Probe(Row):
    """What was found out about a model after an update, 0 being before the first."""

    update: int
    found: dict[str, float]


class Curve(Row):
    """The loss of one training, thinned to a few hundred updates, and what else was measured on the way."""

    step: str
    do: str
    data: str = ""
    """Where a step learns several data sets."""
    seed: int | None = None
    points: list[Point]
    probes: list[Probe] = Field(default_factory=list)


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
    splits: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Name to its documents and characters."""
    counts: dict[str, Accounts] = Field(default_factory=dict)
    """Of files, documents and paragraphs."""
    errors: list[str] = Field(default_factory=list)
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


Judged = TypeVar("Judged", ScoreRow, EvidenceRow)
"""A row of a data set by a metric."""


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
    contrasts: list[EvidenceRow] = []
    """The same by metrics that are better when lower, of which nothing is kept."""
    published: list[PublishedRow] = []
    slices: list[SliceRow] = []
    calibration: list[ScoreRow] = []
    """Calibration errors, in rows like those of scores."""
    reliability: list[ReliabilityRow] = []
    agreement: list[AgreementRow] = []
    transfer: list[TransferRow] = []
    averages: list[AverageRow] = []
    failures: list[FailedRow] = []
    tried: list[TriedRow] = []
    speed: list[SpeedRow] = []
    ratios: list[RatioRow] = []
    formats: list[FormatRow] = []
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

    def primary(self, rows: Iterable[Judged]) -> list[Judged]:
        """Those of the first metric of their data set, which the evidence is about."""
        first: dict[tuple[str, str], str] = {}
        for row in self.scores:
            first.setdefault(row.place, row.metric)
        return [row for row in rows if row.metric == first.get(row.place, row.metric)]

    def beside(self, evidence: EvidenceRow) -> list[EvidenceRow]:
        """The same student in the same step, on each of its data sets by the first metric."""
        rows = self.primary(self.evidence)
        return [row for row in rows if (row.step, row.student) == (evidence.step, evidence.student)] or [evidence]

    def average(self, evidence: EvidenceRow) -> AverageRow | None:
        """The student's mean over the data sets of that step, unless these show how scores carry over."""
        carried = any(row.step == evidence.step for row in self.transfer)
        about = (evidence.step, evidence.student)
        return next((row for row in self.averages if (row.step, row.model) == about and not carried), None)

    def mean_score(self, model: str | None, evidence: EvidenceRow) -> float | None:
        """A model's score, over all seeds, on what `evidence` is about."""
        about = (model, *evidence.place, evidence.task, evidence.metric)
        rows = (row for row in self.scores if row.is_mean and (row.model, *row.place, row.task, row.metric) == about)
        return next((row.value for row in rows), None)
