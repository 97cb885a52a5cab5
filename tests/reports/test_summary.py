import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from reports_support import EVIDENCE, FACTS, RECIPE, add_artifact

from limbeck.errors import ArtifactError
from limbeck.reports.html import write_report
from limbeck.reports.summary import summarise
from limbeck.reports.tables import score_tables

MakeRun = Callable[..., Path]


def test_numbers_are_those_of_the_manifests(make_run: MakeRun) -> None:
    """A report that rounds or mixes up numbers proves something that was never measured."""
    report = summarise(make_run())
    assert [row.model_dump(exclude_unset=True) for row in report.scores] == [
        {"step": "scores", **row, "ci95": tuple(row["ci95"])} for row in FACTS["scores"]["scores"]
    ]
    assert report.evidence[0].retention == EVIDENCE["retention"]
    assert report.evidence[0].control_difference_ci95 == (0.017, 0.05)
    assert report.speed[0].p50_ms == 8.0
    assert report.models["student"].parameters == 1000
    assert report.models["student"].bytes == 4000
    assert report.finished
    assert not report.remarks


def test_report_json_keeps_its_contract(make_run: MakeRun) -> None:
    """Programs read these keys; a renamed one breaks them silently."""
    value = json.loads(summarise(make_run()).model_dump_json())
    assert {"models", "scores", "evidence", "speed", "cost"} <= set(value)
    assert {"role", "parameters", "parameters_without_embeddings", "bytes", "format"} <= set(value["models"]["student"])
    score = {"model", "task", "data", "language", "metric", "seed", "value", "ci95"}
    assert score <= set(value["scores"][0])
    evidence = {"task", "data", "metric", "student", "teacher", "control", "truncated", "verdict"}
    assert evidence | {"retention", "retention_ci95", "difference_ci95"} <= set(value["evidence"][0])
    speed = {"model", "format", "threads", "batch", "length", "p50_ms", "p95_ms", "sequences_per_second"}
    assert speed <= set(value["speed"][0])
    assert set(value["cost"]) == {"seconds", "tokens", "flops", "energy_kwh_estimated", "co2_g_estimated"}


def test_rows_say_which_step_found_them(make_run: MakeRun) -> None:
    """Two evaluations of one data set would be one table of both."""
    steps = {**RECIPE["steps"], "again": {"do": "evaluate", "models": {}, "seed": 2}}
    report = summarise(make_run(recipe={**RECIPE, "steps": steps}, facts={**FACTS, "again": FACTS["scores"]}))
    assert [row.step for row in report.evidence] == ["scores", "again"]
    assert len(report.primary(report.evidence)) == 2
    assert len(score_tables(report)) == 2
    assert all(len(table.lines) == 4 for table in score_tables(report)), "three models and the baseline"


def test_failed_seeds_are_told_once(make_run: MakeRun) -> None:
    """A seed that diverged is in the facts of two steps, and in those of every metric."""
    row, lost = FACTS["scores"]["scores"][3], {"value": None, "ci95": None, "failed": "diverged"}
    scores = [
        *FACTS["scores"]["scores"],
        *({**row, "seed": 3, "metric": metric, **lost} for metric in ("F1", "recall")),
    ]
    scores.append({**row, "seed": 2, "model": "control", "notes": ["constant"], "failed": "constant predictions"})
    failed = [{"data": "names", "seed": seed, "reason": "diverged"} for seed in (3, 4)]
    facts = {**FACTS["student_ner"], "failed": failed}
    report = summarise(make_run(facts={**FACTS, "student_ner": facts, "scores": {**FACTS["scores"], "scores": scores}}))
    assert [(row.step, row.model, row.seed, row.reason, row.counted) for row in report.failures] == [
        ("scores", "student", 3, "diverged", False),
        ("scores", "control", 2, "constant predictions", True),
        ("student_ner", "", 4, "diverged", False),
    ]


def test_members_of_a_suite_have_a_curve_each(make_run: MakeRun) -> None:
    """Members of one seed and two data sets would hide each other."""
    members = [
        {"data": data, "seed": 1, "folder": f"{data}/members/seed-1", "updates": 2} for data in ("mood", "names")
    ]
    facts = {"members": members, "datasets": [{"name": "mood"}, {"name": "names"}]}
    curves = summarise(make_run(facts={**FACTS, "student_ner": facts})).curves
    found = [(curve.step, curve.data, curve.seed) for curve in curves if curve.step == "student_ner"]
    assert found == [("student_ner", "mood", 1), ("student_ner", "names", 1)]


def test_cost_sums_every_training_and_every_member(make_run: MakeRun) -> None:
    """Leaving out the members of a fine-tuning makes a student look cheaper than it was."""
    cost = summarise(make_run()).cost
    assert (cost.seconds, cost.tokens, cost.flops) == (2.5 + 1.0 + 1.5, 400, 1.5e9)
    assert cost.energy_kwh_estimated is None


def test_energy_is_summed_where_it_was_recorded(make_run: MakeRun) -> None:
    """Energy that was measured and not shown is energy nobody saves."""
    facts = {**FACTS, "student": {**FACTS["student"], "energy_kwh": 0.02, "co2_g": 8.0}}
    cost = summarise(make_run(facts=facts)).cost
    assert (cost.energy_kwh_estimated, cost.co2_g_estimated) == (0.02, 8.0)


def test_carbon_of_a_part_is_not_shown(make_run: MakeRun) -> None:
    """Beside the energy of all steps it would be read as the carbon of all of them."""
    measured = {"student": {"energy_kwh": 0.02, "co2_g": 8.0}, "small": {"energy_kwh": 0.01}}
    facts = {**FACTS, **{step: {**FACTS[step], **more} for step, more in measured.items()}}
    cost = summarise(make_run(facts=facts)).cost
    assert (cost.energy_kwh_estimated, cost.co2_g_estimated) == (pytest.approx(0.03), None)


def test_curves_of_steps_and_members(make_run: MakeRun) -> None:
    """A member whose curve is lost may have diverged without anybody seeing it."""
    curves = summarise(make_run()).curves
    assert [(curve.step, curve.seed) for curve in curves] == [("student", None), ("student_ner", 1), ("student_ner", 2)]
    assert [point.loss for point in curves[0].points] == [4.0, 2.0, 4.0 / 3]


def test_model_size_is_found_behind_the_fine_tuning(make_run: MakeRun) -> None:
    """Without a benchmark the report would not say how large the student is."""
    report = summarise(make_run("small", "student", "student_ner", "scores"))
    assert report.models["student"].parameters == 1000
    assert report.models["teacher"].parameters is None


@pytest.mark.parametrize("step", list(RECIPE["steps"]))
def test_any_single_step_makes_a_report(make_run: MakeRun, step: str) -> None:
    """A run that stopped early is the one whose report is needed most."""
    report = summarise(make_run(step))
    assert not report.finished
    missing = [name for name in RECIPE["steps"] if name != step]
    assert [row.step for row in report.steps if row.status == "not made"] == missing
    assert report.remarks == [f"Not made: {', '.join(missing)}."]


def test_a_run_that_has_only_its_recipe(make_run: MakeRun) -> None:
    """A run that failed in its first step must still say so."""
    run = make_run("text")
    (run / "environment.json").unlink()
    report = summarise(run)
    assert "environment.json is missing." in report.remarks
    assert report.headline == "This run is not finished: 1 of 7 steps done."


def test_the_reason_of_a_failure_is_said(make_run: MakeRun) -> None:
    """That a step is not made, alone, sends the reader hunting through logs."""
    run = make_run("text")
    events = [{"step": "small", "event": "started"}, {"step": "small", "event": "failed", "error": "no weights\nin x"}]
    (run / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events) + '{"step": "sm', "utf-8")
    assert "small is not made: no weights in x" in summarise(run).remarks


def test_the_artifact_of_the_present_recipe_is_shown(make_run: MakeRun) -> None:
    """A recipe changed and changed back would report the numbers of the recipe in between."""
    run = make_run("small")
    changed = {**RECIPE["steps"]["small"], "layers": 9}
    add_artifact(run, "small", changed, {**FACTS["small"], "parameters": 9}, minute=50)
    recipe = {**RECIPE, "steps": {"small": RECIPE["steps"]["small"]}}
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe), "utf-8")
    assert summarise(run).models["small"].parameters == 1000


def test_an_artifact_of_other_inputs_is_not_shown(make_run: MakeRun) -> None:
    """A newer artifact made from another corpus is not the one that the recipe speaks of."""
    run = make_run("text", "small")
    config = RECIPE["steps"]["student"]
    text = next((run / "steps").glob("text-*/manifest.json"))
    right = json.loads(text.read_text("utf-8"))["fingerprint"]
    add_artifact(run, "student", config, {**FACTS["student"], "tokens": 1}, {"@text": right}, minute=10)
    add_artifact(run, "student", config, {**FACTS["student"], "tokens": 2}, {"@text": "0" * 64}, minute=50)
    assert summarise(run).training[0].tokens == 1


def test_a_changed_recipe_is_not_credited_with_earlier_work(make_run: MakeRun) -> None:
    """A changed recipe that failed would be reported as finished, with the numbers of the one before."""
    run = make_run("text")
    text = summarise(run).steps[0].fingerprint
    config = RECIPE["steps"]["student"]
    add_artifact(run, "student", config, FACTS["student"], {"@text": text})
    assert summarise(run).training
    steps = {**RECIPE["steps"], "text": {"do": "corpus", "seed": 2}}
    (run / "recipe.yaml").write_text(yaml.safe_dump({**RECIPE, "steps": steps}), "utf-8")
    report = summarise(run)
    assert not report.training
    assert {step.status for step in report.steps} == {"not made"}


def test_a_damaged_manifest_is_named_and_the_rest_is_shown(make_run: MakeRun) -> None:
    """One flipped byte must not take the whole report with it."""
    run = make_run()
    next((run / "steps").glob("speed-*/manifest.json")).write_text("{", "utf-8")
    report = summarise(run)
    assert report.scores
    assert any("is damaged" in remark for remark in report.remarks)


def test_what_json_cannot_say_becomes_null(make_run: MakeRun) -> None:
    """`NaN` in report.json stops strict JSON readers."""
    speed = {**FACTS["speed"], "speed": [{**FACTS["speed"]["speed"][0], "p50_ms": math.nan}]}
    report = summarise(make_run(facts={**FACTS, "speed": speed}))
    assert report.speed[0].p50_ms is None


def test_a_corpus_says_what_it_dropped(make_run: MakeRun) -> None:
    """Text that vanishes without a count is how a corpus loses a language."""
    corpus = json.loads(summarise(make_run("text")).model_dump_json())["corpora"][0]
    assert corpus["counts"] == FACTS["text"]["counts"]


def test_tokenizers_stand_beside_each_other(make_run: MakeRun) -> None:
    """Fertility is a figure to compare; one tokenizer's alone in its manifest compares with nothing."""
    shares = {"words": 10, "tokens_per_word": 1.25, "words_split": 0.2, "words_known": 1.0, "characters_known": 1.0}
    rows = [{"tokenizer": name, "vocabulary": 300, "characters_per_token": 4.0, **shares} for name in ("tok", "@old")]
    recipe = {**RECIPE, "steps": {**RECIPE["steps"], "tok": {"do": "tokenizer", "corpus": "@text", "seed": 1}}}
    run = make_run(recipe=recipe, facts={**FACTS, "tok": {"fertility": rows}})
    report = summarise(run)
    assert [(row.step, row.tokenizer, row.tokens_per_word) for row in report.tokenizers] == [
        ("tok", "tok", 1.25),
        ("tok", "@old", 1.25),
    ]
    page = write_report(run).read_text("utf-8")
    assert '<th scope="row">@old</th><td>tok</td>' in page
    assert "20.0\u00a0%" in page


def test_other_folders_are_refused(tmp_path: Path) -> None:
    """A typing error in the path must not make an empty report there."""
    with pytest.raises(ArtifactError, match=r"not a run folder: it has neither recipe.yaml nor steps/"):
        summarise(tmp_path)
