import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from reports_support import FACTS

from limbeck.reports.charts import course_strip
from limbeck.reports.course import courses
from limbeck.reports.html import write_report
from limbeck.reports.report import Curve, Point, Probe, Report
from limbeck.reports.summary import summarise

MakeRun = Callable[..., Path]
WARNING = "the model has collapsed (seen since update 2): <b>"


def _probed(run: Path, step: str, *probes: dict[str, float]) -> None:
    """Writes what was found out on the way beside a step's curve."""
    (folder,) = (run / "steps").glob(f"{step}-*")
    lines = [json.dumps({"update": 2 * n, **found}) for n, found in enumerate(probes)]
    (folder / "probes.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def _run(make_run: MakeRun) -> Path:
    run = make_run(facts={**FACTS, "student": {**FACTS["student"], "warnings": [WARNING]}})
    first = {"effective_rank": 80.25, "teacher_effective_rank": 98.5}
    _probed(run, "student", first, {**first, "effective_rank": 1.5, "gradient_norm/mlm": float("inf")})
    return run


def _curve(seed: int, *ranks: float) -> Curve:
    points = [Point(update=n, terms={"mlm": 2.0 * seed, "hidden_mse": 1.0}) for n in (1, 2)]
    probes = [Probe(update=n, found={"effective_rank": rank, "gradient_norm/mlm": 5.0}) for n, rank in enumerate(ranks)]
    return Curve(step="s", do="finetune", seed=seed, points=points, probes=probes)


def test_what_was_found_is_in_report_json(make_run: MakeRun) -> None:
    """A program that watches runs for a collapse reads this; an infinity is no JSON."""
    report = json.loads(summarise(_run(make_run)).model_dump_json())
    assert report["warnings"] == [f"student: {WARNING}."]
    assert report["curves"][0]["probes"] == [
        {"update": 0, "found": {"effective_rank": 80.25, "teacher_effective_rank": 98.5}},
        {"update": 2, "found": {"effective_rank": 1.5, "teacher_effective_rank": 98.5}},
    ]
    assert [curve["probes"] for curve in report["curves"][1:]] == [[], []]


def test_a_warning_stands_at_the_top_of_the_page(make_run: MakeRun) -> None:
    """Under the learning curves nobody reads it: the loss looks fine."""
    html = write_report(_run(make_run)).read_text("utf-8")
    place = html.index("the model has collapsed (seen since update 2): &lt;b&gt;")
    assert place < html.index('id="scores"')


def test_the_page_shows_first_last_and_the_teachers(make_run: MakeRun) -> None:
    """A rank without its teacher's beside it says nothing."""
    run = _run(make_run)
    _probed(
        run,
        "student",
        *({"effective_rank": r, "teacher_effective_rank": 98.5, "teacher_cka": 0.5} for r in (80.25, 1.5)),
    )
    html = write_report(run).read_text("utf-8")
    section = html[html.index("What the trainings did to their models") : html.index('id="labels"')]
    cells = re.findall(r"<td[^>]*>([^<]+)</td>", section)
    assert cells == [
        *("effective rank of the sentence vectors", "80.25", "1.5", "98.5"),
        *("likeness to the teacher’s sentence vectors (CKA)", "0.5", "0.5", "–"),
    ]


def test_trainings_of_which_only_the_loss_is_known_have_no_table(make_run: MakeRun) -> None:
    """Runs of an earlier version have no probes, and their report must still be written."""
    run = make_run()
    assert courses(summarise(run)) == []
    assert "What the trainings did" not in write_report(run).read_text("utf-8")


def test_seeds_are_averaged_and_objectives_named() -> None:
    """One seed's gradient, taken for all, hides the member that diverged."""
    report = Report(name="r", version="0", finished=True, headline="", curves=[_curve(1, 10, 20), _curve(3, 30, 50)])
    ((step, do, rows),) = courses(report)
    assert (step, do) == ("s", "finetune")
    assert [(row.name, row.first, row.last) for row in rows] == [
        ("effective rank of the sentence vectors", 20, 35),
        ("mlm: loss", 4, 4),
        ("mlm: length of the gradient", 5, 5),
        ("hidden_mse: loss", 1, 1),
    ]


def test_a_rank_alone_is_shown() -> None:
    """The control has one objective and no teacher, and can collapse all the same."""
    alone = Curve(step="control", do="pretrain", points=[], probes=[Probe(update=0, found={"effective_rank": 3.0})])
    ((_, _, rows),) = courses(Report(name="r", version="0", finished=True, headline="", curves=[alone]))
    assert [row.last for row in rows] == [3.0]


def test_one_value_alone_can_be_drawn() -> None:
    """A training that was looked at once must not divide by zero in its report."""
    root = ET.fromstring(str(course_strip([(7, 2.0)], None, "rank")))
    assert "from 2 after update 7 to 2 after update 7." in str(ET.tostring(root))
