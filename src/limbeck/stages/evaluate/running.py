"""Asks every model all test sets, and draws the evidence."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact, write_json
from limbeck.stages.evaluate.answering import answers_of
from limbeck.stages.evaluate.arms import Arm, arms_of
from limbeck.stages.evaluate.examples import Answers, disagreements_of, label_rows_of
from limbeck.stages.evaluate.raw import examine
from limbeck.stages.evaluate.step import EvaluateStep
from limbeck.stages.evaluate.testing import TestSet, test_sets
from limbeck.tasks.raw_data import Raw
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.evaluation.findings import Answered
    from limbeck.evaluation.trial import Trial

ROWS = ("scores", "evidence", "published", "slices", "calibration", "reliability", "agreement", "transfer", "averages")


def run(config: EvaluateStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Predicts with every member of every model, keeps the predictions, says what they show."""
    from limbeck.evaluation.averages import average_rows
    from limbeck.evaluation.findings import findings, trials_of
    from limbeck.evaluation.trial import ROLES

    if isinstance(config.data, Raw):
        examine(config, config.data, inputs, out)
        return
    arms = arms_of(config, inputs)
    several = len(config.named_tests() or arms[0].datasets) > 1
    found: dict[str, Any] = {name: [] for name in (*ROWS, "per_label", "disagreements")}
    firsts: dict[str, Trial] = {}
    examples = 0
    for test in test_sets(config, arms, inputs):
        place = out.folder / "predictions" / (test.name if several else "")
        answers = {arm.name: answers_of(arm, test, place, out) for arm in arms}
        answered = _answered(test, arms, answers)
        trials = trials_of(answered, test.metrics, config.resamples, config.seed or 0)
        firsts[test.name] = next(iter(trials.values()))
        rows = findings(answered, trials, config.margin, config.published)
        for name, more in rows.items():
            found[name] += more
        found["per_label"] += label_rows_of(answered)
        found["disagreements"] += disagreements_of(test, answered, answers)
        examples += len(test.examples)
        _say(rows, test.name if several else "", out)
    found["transfer"] = _transfer(config, firsts, out)
    found["averages"] = average_rows(firsts)
    out.facts.update(found, examples=examples, resamples=config.resamples)
    out.facts["models"] = {arm.name: arm.name if arm.name in ROLES else "student" for arm in arms}
    write_json(out.folder / "scores.json", {name: found[name] for name in ROWS})


def _answered(test: TestSet, arms: Sequence[Arm], answers: Answers) -> "Answered":
    """What all members say; an arm of which every seed failed says nothing."""
    from limbeck.evaluation.findings import Answered

    first = next((arm for arm in arms if arm.name == "teacher"), arms[0])
    folder = first.artifacts[0].folder / first.datasets[test.learned[first.name]]["folder"]
    usual = json.loads((folder / "usual.json").read_text("utf-8"))
    return Answered(
        task=test.task.name,
        data=test.name,
        language=test.language,
        gold=[test.task.gold(example) for example in test.examples],
        said={name: [[answer.said for answer in each] for each in members] for name, members in answers.items()},
        certainty={name: [[answer.certainty for answer in m] for m in members] for name, members in answers.items()},
        seeds={arm.name: arm.seeds(test.learned[arm.name]) for arm in arms},
        trivial=test.task.guess(usual, test.examples),
        failed={arm.name: failed for arm in arms if (failed := arm.failed(test.learned[arm.name]))},
        slices=test.task.slices(test.examples, usual),
    )


def _say(rows: Mapping[str, Sequence[Mapping[str, Any]]], test: str, out: Workspace) -> None:
    about = f"{test}, " if test else ""
    for row in rows["evidence"]:
        out.say(f"{about}{row['student']}: {row['verdict']}")
    for row in rows["published"]:
        out.say(row["sentence"])


def _transfer(config: EvaluateStep, trials: Mapping[str, "Trial"], out: Workspace) -> list[dict[str, Any]]:
    """How scores on what was learned compare with those on all other test sets."""
    from limbeck.evaluation.transfer import transfer_rows

    if not config.learned:
        return []
    rows = transfer_rows(trials, config.learned)
    for row in rows:
        shares = (row["score"], row["others_score"], row["gap"], *row["gap_ci95"])
        learned, others, gap, low, high = (f"{round(100 * share, 1) + 0.0:.1f}" for share in shares)
        out.say(
            f"{row['model']}: {row['metric']} {learned} on {config.learned} and {others} on the mean of the other"
            f" {len(row['others'])}, a gap of {gap} points [{low}, {high}]"
        )
    return rows
