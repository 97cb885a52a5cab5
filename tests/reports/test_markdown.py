from pathlib import Path

import pytest

import run_to_publish
from limbeck.reports.markdown import markdown_table, scores_markdown, speed_markdown
from limbeck.reports.summary import summarise


@pytest.fixture
def report(tmp_path: Path):
    """Of a run with scores and timing."""
    return summarise(run_to_publish.build(tmp_path / "names", run_to_publish.folder_of(tmp_path / "model")))


def test_scores_stand_beside_each_other_with_intervals(report):
    """A score without its interval and its baseline says nothing."""
    lines = scores_markdown(report, ["student"]).splitlines()
    assert lines[0] == "| names | F1 |"
    assert lines[2].startswith("| teacher (what the student learned from) | 82.0 [80.0, 84.0] |")
    assert "| **student** | 80.4 [78.4, 82.4], 2 seeds |" in lines
    assert lines[-1] == "- student on names, by F1: keeps 98.0 % of the teacher's F1 [95.7, 100.6]."


def test_the_verdict_of_another_model_is_left_out(report):
    """It would be read as that of the model the page is about."""
    assert "keeps" not in scores_markdown(report, ["control"])


def test_speed_has_a_column_for_each_model(report):
    """A speed-up without the milliseconds behind it cannot be checked."""
    head, _, row = speed_markdown(report, ["student"]).splitlines()
    assert head == "| Format | Batch | Tokens | teacher | **student** |"
    assert row == "| pytorch | 1 | 128 | 20.0 ms, 100 texts/s | 10.0 ms, 100 texts/s; 2.00× |"


def test_a_cell_cannot_break_the_table():
    """A label with a bar in it would shift every number by a column."""
    assert markdown_table(["a"], [["x|y\nz"]]).splitlines()[-1] == "| x&#124;y z |"
