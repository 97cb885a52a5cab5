"""What a reader is told of formats that were tried."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from limbeck.reports.html import write_report

MakeRun = Callable[..., Path]

RECIPE = {"name": "tiny", "steps": {"ship": {"do": "export", "model": "package:x/model", "seed": 1}}}
CLOSE = {"format": "onnx-int8", "bytes": 22_900_000, "speedup": 2.05, "cosine": 0.9973, "least_cosine": 0.93}
LOST = {
    "way": "by channel",
    "shipped": False,
    "reason": "it lost",
    "differing": 0.0123,
    "score": 0.88,
    "difference": -0.02,
    "difference_ci95": [-0.03, -0.01],
}
SLOWER = {"format": "onnx-int8", "way": "by block", "shipped": False, "reason": '"by channel" is faster'}


def _report(run: Path) -> tuple[str, list[dict[str, Any]]]:
    page = write_report(run).read_text("utf-8")
    return page, json.loads((run / "report.json").read_text("utf-8"))["formats"]


def test_a_refused_format_is_told_with_its_reason(make_run: MakeRun) -> None:
    """Who asked for a file and does not find it looks for a mistake of their own."""
    page, rows = _report(make_run(recipe=RECIPE, facts={"ship": {"formats": [CLOSE | LOST, SLOWER]}}))
    assert [row["step"] for row in rows] == ["ship", "ship"]
    assert (rows[0]["difference"], rows[0]["difference_ci95"]) == (-0.02, [-0.03, -0.01])
    assert "<b>onnx-int8 not shipped</b> ship, by channel: it lost" in page
    for told in ("22.9", "2.05×", "0.9973", "1.23", "−2.0", "[−3.0, −1.0]", "&#34;by channel&#34; is faster"):
        assert told in page


def test_a_format_without_an_exam_is_told_too(make_run: MakeRun) -> None:
    """A raw model has no score, and its file is shipped or refused all the same."""
    shipped = CLOSE | {"way": "by block", "shipped": True, "reason": "close enough"}
    page, _ = _report(make_run(recipe=RECIPE, facts={"ship": {"formats": [shipped]}}))
    assert "<b>onnx-int8 shipped</b> ship, by block: close enough" in page


def test_where_no_way_is_close_that_is_told(make_run: MakeRun) -> None:
    """A table of failures is no answer to whether there is a file."""
    page, _ = _report(make_run(recipe=RECIPE, facts={"ship": {"formats": [SLOWER]}}))
    assert "<b>onnx-int8 not shipped</b> No way of making it" in page


def test_a_run_without_such_a_format_has_no_section(make_run: MakeRun) -> None:
    """An empty table asks a question that nobody had."""
    page, rows = _report(make_run(recipe=RECIPE, facts={"ship": {}}))
    assert rows == []
    assert 'id="formats"' not in page
