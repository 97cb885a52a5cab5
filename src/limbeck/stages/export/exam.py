"""The test examples of a fine-tuned model, answered with one file and with another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from limbeck.evaluation.bootstrap import Interval
    from limbeck.signals import Batch
    from limbeck.tasks.task import Task
    from limbeck.windows.window import Floats, Windows


@dataclass(frozen=True)
class Result:
    """Scores of a float32 file and of another on the same examples, by the first metric of their task."""

    data: str
    metric: str
    """As readers know it."""
    examples: int
    float32_score: float
    score: float
    difference: float
    """`score` minus `float32_score`."""
    difference_ci95: "Interval"
    """Paired by resample of the examples."""

    @property
    def sentence(self) -> str:
        """Of scores and difference, in points."""
        low, high = (f"{round(100 * bound, 2) + 0.0:+.2f}" for bound in self.difference_ci95)
        return (
            f"{self.metric} {100 * self.score:.2f} and {100 * self.float32_score:.2f} in float32, a difference of"
            f" {round(100 * self.difference, 2) + 0.0:+.2f} points [{low}, {high}] on {self.examples:,} examples"
        )


@dataclass(frozen=True)
class Exam:
    """Examples that a model was never taught, as it reads them."""

    data: str
    language: str
    metric: str
    task: "Task[Any, Any]"
    examples: Sequence[Any]
    windows: "Windows[Any]"
    labels: Sequence[str]
    pad: int
    float32: Path

    def judge(self, other: Path) -> Result:
        """The float32 file and another on all examples; 10,000 resamples."""
        from limbeck.evaluation.metrics import measure_of, shown
        from limbeck.evaluation.trial import Trial

        gold = [self.task.gold(example) for example in self.examples]
        said = {"float32": self._of_float32, "other": self._answers(other)}
        measures = {name: [measure_of(self.metric, gold, each, self.language)] for name, each in said.items()}
        seeds = {name: [0] for name in said}
        trial = Trial(self.task.name, self.data, self.language, shown(self.metric), measures, seeds, None)
        contrast = trial.contrast("other", "float32")
        scores = (trial.score("float32"), trial.score("other"))
        return Result(self.data, trial.metric, len(gold), *scores, contrast.difference, contrast.ci95)

    @cached_property
    def _of_float32(self) -> list[Any]:
        """Answered once, however many formats are compared with it."""
        return self._answers(self.float32)

    def _answers(self, file: Path) -> list[Any]:
        from limbeck.runtime.engines import engine_of
        from limbeck.tasks.predicting import predict

        engine = engine_of(file, threads=0)

        def read(batch: "Batch") -> "Floats":
            types = None if batch.token_types is None else batch.token_types.numpy()
            return engine(batch.input_ids.numpy(), batch.attention_mask.numpy(), types)

        answers = predict(self.task, read, self.examples, self.windows, self.labels, self.pad)
        return [answer.said for answer in answers]


def exam_of(
    made: Artifact | None, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", float32: Path
) -> Exam | None:
    """The test examples beside a fine-tuned model, read as `evaluate` reads them; None where there are none.

    `float32` is the file that others are compared with.
    """
    from limbeck.models.counting import shape_of
    from limbeck.models.task_heads import labels_of
    from limbeck.tasks.data import task_named
    from limbeck.tasks.encoded import encode_once
    from limbeck.tasks.storage import read_examples

    if made is None or not made.facts.get("datasets"):
        return None
    learned, settled = learned_by(made)
    task = replace(task_named(learned["task"], learned.get("settings")), **settled)
    examples = read_examples(task, made.folder / learned["folder"] / "test.jsonl")
    if not examples:
        return None
    labels, asked = labels_of(model.config), made.manifest.config
    length = min(asked["length"], shape_of(model.config).positions)
    windows = encode_once(task, examples, tokenizer, labels, length, asked["stride"])
    pad = int(tokenizer.pad_token_id or 0)
    language, metric = learned["language"], learned["metrics"][0]
    return Exam(learned["name"], language, metric, task, examples, windows, labels, pad, float32)


def learned_by(made: Artifact) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a `finetune` step says of its one data set, and what the member that did best has settled."""
    from limbeck.tasks.members import best_member

    member = best_member(made)
    assert member is not None, "an export is of one data set: Artifact.model_folder refuses others"
    return made.facts["datasets"][0], member.settled
