import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reports_support import FACTS, several
from test_report_html import Page

from limbeck.reports.html import write_report
from limbeck.reports.suites import suite_tables
from limbeck.reports.summary import summarise

MakeRun = Callable[..., Path]
TWELVE = [f"set-{number}" for number in range(12)]


def of(**scores: Any) -> dict[str, Any]:
    """Facts of a run with these in place of its scores."""
    return {**FACTS, "scores": {**several("mood", "names"), **scores}}


def test_models_by_data_sets_with_the_average(make_run: MakeRun) -> None:
    """The table that model cards have is the one that is compared with theirs."""
    (table,) = suite_tables(summarise(make_run(facts=of())))
    assert [(column.data, column.metric) for column in table.columns] == [("mood", "F1"), ("names", "F1")]
    assert [line.model for line in table.lines] == ["teacher", "student", "control"]
    assert [cell.row.value for cell in table.lines[1].cells if cell] == [0.76, 0.76]
    assert [line.average.value for line in table.lines if line.average] == [0.8, 0.76, 0.7]
    assert table.baseline == [0.213, 0.213]
    assert table.averaged
    assert not table.transferred


def test_one_data_set_has_no_suite(make_run: MakeRun) -> None:
    """A table of one column and its average says everything twice."""
    run = make_run()
    assert suite_tables(summarise(run)) == []
    assert 'class="suite"' not in write_report(run).read_text("utf-8")


@pytest.mark.parametrize("names", [["mood", "names"], TWELVE])
def test_the_page_shows_it_and_the_rest_in_a_toggle(make_run: MakeRun, names: list[str]) -> None:
    """A dozen data sets by two metrics are two dozen tables, which nobody looks for the average in."""
    html = write_report(make_run(facts={**FACTS, "scores": several(*names)})).read_text("utf-8")
    assert Page(html).open == []
    table = html[html.index('<table class="suite">') :].split("</table>")[0]
    assert "<caption" in table
    assert table.count('scope="col"') == len(names) + 2
    assert table.count("[76.0, 76.0]") == len(names)
    assert "keeps 95.0\u00a0% [93.0, 97.0] of the teacher’s" in html
    inside = html[html.index("<summary>Each data set") :]
    assert inside.count("<h3>recall on ") == len(names)
    assert f"<b>student on {names[0]}</b>" in html.split('<details class="findings">')[0]
    assert f"{2 * len(names) - 3} more verdicts" in html


def test_how_scores_carry_over(make_run: MakeRun) -> None:
    """Which language was learned has to stand in the table, or the gap is a gap to nothing."""
    run = make_run(facts={**FACTS, "scores": several("pl", "sv", "da", learned="sv")})
    (table,) = suite_tables(summarise(run))
    assert [(column.data, column.learned) for column in table.columns] == [("sv", True), ("pl", False), ("da", False)]
    assert [line.transfer.gap for line in table.lines if line.transfer] == [0.1, 0.1, 0.1]
    html = write_report(run).read_text("utf-8")
    assert Page(html).open == []
    table_ = html[html.index('<table class="suite">') :].split("</table>")[0]
    assert table_.index("learned") < table_.index("zero-shot")
    assert table_.count("<b>+10.0</b><small>[+5.0, +15.0]</small>") == 3
    assert "fine-tuned on data like <b>sv</b> and on nothing like the others." in html
    assert "Average" not in table_


def test_failed_and_constant_seeds_are_in_the_cell(make_run: MakeRun) -> None:
    """A mean over the seeds that went well, without a word, is a mean of the lucky."""
    scores = several("mood", "names")["scores"]
    lost = {"value": None, "ci95": None, "failed": "update 3: the loss is nan"}
    scores = [
        {**row, **lost} if (row["model"], row["data"], row["seed"]) == ("student", "mood", 2) else row for row in scores
    ]
    scores = [
        {**row, **lost} if (row["model"], row["data"]) == ("control", "names") and row["seed"] != "mean" else row
        for row in scores
        if (row["model"], row["data"], row["seed"]) != ("control", "names", "mean")
    ]
    run = make_run(facts=of(scores=scores))
    (table,) = suite_tables(summarise(run))
    notes = [[cell.note for cell in line.cells if cell] for line in table.lines]
    assert notes == [["", ""], ["1 of 2 failed", ""], ["", "2 of 2 failed"]]
    html = write_report(run).read_text("utf-8")
    assert "student, seed 2, mood: update 3: the loss is nan; it has no score and is not in the mean" in html


def test_losses_are_not_points(make_run: MakeRun) -> None:
    """A loss of 0.76 is no score of 76."""
    scores = [{**row, "higher_is_better": row["data"] != "mood"} for row in several("mood", "names")["scores"]]
    html = write_report(make_run(facts=of(scores=scores, averages=[]))).read_text("utf-8")
    table = html[html.index('<table class="suite">') :].split("</table>")[0]
    assert re.findall(r"<b>([\d.]+)</b>", table)[2:4] == ["0.76", "76.0"]
