"""The step `evaluate`: every model on the same test examples, intervals, and the verdict."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from limbeck.artifacts import Artifact, write_json
from limbeck.config import MembersRef, Step
from limbeck.errors import DataError, RecipeError
from limbeck.outlines import Outline, Outlines
from limbeck.tasks.data import AnyData
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.evaluation.trial import Trial
    from limbeck.tasks.answer import Answer
    from limbeck.tasks.task import Task

REVISION = 4
KIND = "scores"

Members = MembersRef | Annotated[list[MembersRef], Field(min_length=1)]


class EvaluateStep(Step):
    """Scores fine-tuned models against each other; their names say what they are.

    `teacher`, `control`, `truncated`, `untrained` and `reference` are roles; any other name is a student.
    """

    do: Literal["evaluate"] = "evaluate"
    models: dict[str, Members] = Field(min_length=1)
    """`"@step"`, or a list of such steps whose models are scored together, as of one training with several seeds."""
    data: AnyData | None = None
    """Whose test part to use; by default the one that the models were fine-tuned with."""
    language: str = ""
    """Of the test data, for the report."""
    resamples: int = Field(default=10_000, ge=1_000)
    """Bootstrap resamples behind every interval."""

    @field_validator("models")
    @classmethod
    def _each_once(cls, models: dict[str, Members]) -> dict[str, Members]:
        for name, refs in models.items():
            if len(set(_listed(refs))) < len(_listed(refs)):
                raise ValueError(f"a step's models count once; found {', '.join(_listed(refs))} under {name}")
        return models

    def outside(self) -> Any:
        """Identity of the data files, where they are named here."""
        return self.data.outside() if self.data else None


def outline(config: EvaluateStep, inputs: Outlines) -> Outline:
    """What will be compared."""
    return Outline(makes=KIND, notes=(f"compares {', '.join(config.models)} on the same examples",))


def run(config: EvaluateStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Predicts with every member of every model, keeps the predictions, draws the evidence."""
    from limbeck.evaluation.agreement import disagreements, pair_of_members
    from limbeck.evaluation.evidence import evidence_rows
    from limbeck.evaluation.per_label import label_rows
    from limbeck.tasks.data import task_named

    models = {name: [inputs[ref] for ref in _listed(refs)] for name, refs in config.models.items()}
    task = task_named(_shared_task(models))
    seeds = {name: _seeds(name, artifacts) for name, artifacts in models.items()}
    examples, name = _test_examples(config, task, models, inputs)
    gold = [task.gold(example) for example in examples]
    answers = {
        model: [each for artifact in artifacts for each in _answers_of_members(task, model, artifact, examples, out)]
        for model, artifacts in models.items()
    }
    said = {model: [[answer.said for answer in each] for each in members] for model, members in answers.items()}
    trial = _trial(config, task, name, models, examples, said, seeds)
    rows = trial.score_rows()
    evidence = evidence_rows(trial)
    out.facts.update(scores=rows, evidence=evidence, examples=len(examples), resamples=config.resamples)
    out.facts["models"] = {model: model if model not in trial.students else "student" for model in models}
    out.facts["per_label"] = [row for model, seeds in said.items() for row in label_rows(model, gold, seeds)]
    if "teacher" in models and trial.students:
        texts = [(example.text, example.words) for example in examples]
        student = trial.students[0]
        first, second = pair_of_members(trial.seeds["teacher"], trial.seeds[student])
        out.facts["disagreements"] = disagreements(texts, gold, said["teacher"][first], said[student][second])
    write_json(out.folder / "scores.json", {"scores": rows, "evidence": evidence})
    for row in evidence:
        out.say(f"{row['student']}: {row['verdict']}")


def _listed(refs: str | list[str]) -> list[str]:
    return [refs] if isinstance(refs, str) else refs


def _seeds(name: str, artifacts: Sequence[Artifact]) -> list[int]:
    """Of all members under one name, which their scores and predictions are told apart by."""
    seeds = [member["seed"] for artifact in artifacts for member in artifact.facts["members"]]
    for place, seed in enumerate(seeds):
        if seed in seeds[:place]:
            raise RecipeError(f"two models under {name} have the seed {seed}; give the steps in the list other seeds")
    return seeds


def _shared_task(models: Mapping[str, Sequence[Artifact]]) -> Any:
    """The task that all models were fine-tuned for."""
    found = {artifact.facts["task"]: name for name, artifacts in models.items() for artifact in artifacts}
    if len(found) > 1:
        (one, first), (other, second), *_ = found.items()
        raise RecipeError(
            f"{first} was fine-tuned for {one} and {second} for {other}, so their scores cannot be compared; name"
            " models of one task"
        )
    return next(iter(found))


def _test_examples(
    config: EvaluateStep,
    task: "Task[Any, Any]",
    models: Mapping[str, Sequence[Artifact]],
    inputs: Mapping[str, Artifact],
) -> tuple[Sequence[Any], str]:
    """The test examples, and a name for them."""
    from limbeck.corpora.documents import read
    from limbeck.tasks.data import load
    from limbeck.tasks.sources import name_of
    from limbeck.tasks.storage import read_examples
    from limbeck.tasks.token_classification.annotated import examples_from_documents
    from limbeck.tasks.token_classification.token_data import AnnotatedCorpus

    examples: Sequence[Any]
    if config.data is None:
        examples = read_examples(task, _shared_test_file(models).folder / "test.jsonl")
        name = name_of(next(iter(models.values()))[0].manifest.config["data"])
    elif isinstance(config.data, AnnotatedCorpus):
        examples = examples_from_documents(read(inputs[config.data.corpus].folder, "test")).test
        name = name_of(config.data.model_dump())
    else:
        examples = load(config.data, config.seed or 0).test
        name = name_of(config.data.model_dump())
    if not examples:
        raise DataError(f"{name} has no test examples, so nothing can be scored; name them under `data.test`")
    return examples, name


def _shared_test_file(models: Mapping[str, Sequence[Artifact]]) -> Artifact:
    """Any of the models, when all were fine-tuned with the same test examples beside them."""
    by_file: dict[str, str] = {}
    for name, artifacts in models.items():
        for artifact in artifacts:
            by_file.setdefault(
                artifact.manifest.files["test.jsonl"].sha256, name if len(artifacts) == 1 else artifact.manifest.step
            )
    if len(by_file) > 1:
        first, second, *_ = by_file.values()
        raise RecipeError(
            f"{first} and {second} were fine-tuned with different test examples, so their scores cannot be compared;"
            " give both steps the same data, or name one test set under `data`"
        )
    return next(iter(models.values()))[0]


def _answers_of_members(
    task: "Task[Any, Any]", name: str, artifact: Artifact, examples: Sequence[Any], out: Workspace
) -> list[list["Answer"]]:
    """What each member says; kept as one JSON line per example."""
    from limbeck.models.counting import shape_of
    from limbeck.models.loading import load_model, load_tokenizer
    from limbeck.models.task_heads import labels_of
    from limbeck.tasks.members import members_of
    from limbeck.tasks.predicting import predict
    from limbeck.training.precision import placed

    made = []
    settings = artifact.manifest.config
    (out.folder / "predictions").mkdir(exist_ok=True)
    for member in members_of(artifact):
        model, tokenizer = placed(load_model(str(member.folder))), load_tokenizer(str(member.folder))
        length, labels = min(settings["length"], shape_of(model.config).positions), labels_of(model.config)
        task.require_known(examples, labels, "given")
        windows = task.encode(examples, tokenizer, labels, length, settings["stride"])
        with out.progress(f"{name}, seed {member.seed}", len(windows), "windows") as bar:
            answers = predict(task, model, examples, windows, labels, int(tokenizer.pad_token_id or 0), bar)
        path = out.folder / "predictions" / f"{name}-seed-{member.seed}.jsonl"
        path.write_text("".join(json.dumps(answer.row(), ensure_ascii=False) + "\n" for answer in answers), "utf-8")
        made.append(answers)
    return made


def _trial(
    config: EvaluateStep,
    task: "Task[Any, Any]",
    data: str,
    models: Mapping[str, Sequence[Artifact]],
    examples: Sequence[Any],
    said: Mapping[str, list[list[Any]]],
    seeds: Mapping[str, list[int]],
) -> "Trial":
    from limbeck.evaluation.metrics import measure_of, shown
    from limbeck.evaluation.trial import Trial

    gold = [task.gold(example) for example in examples]
    first, *_ = models.get("teacher") or next(iter(models.values()))
    trivial = task.guess(json.loads((first.folder / "usual.json").read_text("utf-8")), examples)
    return Trial(
        task=task.name,
        data=data,
        language=config.language,
        metric=shown("f1"),
        measures={name: [measure_of("f1", gold, member) for member in members] for name, members in said.items()},
        seeds=seeds,
        baseline_measure=measure_of("f1", gold, trivial),
        resamples=config.resamples,
        seed=config.seed or 0,
    )
