import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from reports_support import CLOSER, FACTS

from limbeck.reports.closer import agreements, calibrations, slice_tables
from limbeck.reports.html import write_report
from limbeck.reports.summary import summarise

MakeRun = Callable[..., Path]
EVALUATED = {**FACTS, "scores": {**FACTS["scores"], **CLOSER}}


def test_parts_stand_below_each_other(make_run: MakeRun) -> None:
    """What was lost in long texts is seen where long stands below short, and the student beside its teacher."""
    (table,) = slice_tables(summarise(make_run(facts=EVALUATED)))
    assert (table.name, table.data, table.metric, table.models) == ("words", "names", "F1", ["teacher", "student"])
    assert [(part, size) for part, size, _ in table.lines] == [("short (1-5)", 20), ("long (6-20)", 20)]
    assert [[cell.value for cell in cells if cell] for _, _, cells in table.lines] == [[0.7, 0.69], [0.68, 0.51]]


def test_certainty_is_drawn_and_told(make_run: MakeRun) -> None:
    """A reader who does not see the drawing has to be told the same."""
    (calibration,) = calibrations(summarise(make_run(facts=EVALUATED)))
    assert [row.model for row in calibration.errors] == ["teacher", "student"]
    root = ET.fromstring(str(calibration.drawing))
    marks = [node for node in root if "mark" in (node.get("class") or "")]
    assert len(marks) == 2 + 6, "one in the legend and three bins for each model"
    legend = [node.text for node in root if node.get("class") == "label small"]
    assert legend == ["teacher: error 3.1 [1.1, 5.1]", "student: error 8.2 [6.2, 10.2]"]
    description = root.find("{http://www.w3.org/2000/svg}desc")
    assert description is not None
    assert re.match(r"teacher: 30.% right at 30.%, 60.% right at 63.%, ", description.text or "")


def test_agreement_in_words(make_run: MakeRun) -> None:
    """Shares without what they are shares of are read as accuracies."""
    ((row, shares),) = agreements(summarise(make_run(facts=EVALUATED)))
    assert row.student == "student"
    assert [value for _, value, _ in shares] == [0.91, 0.953, None]


def test_the_page_shows_it(make_run: MakeRun) -> None:
    """What was measured and is shown nowhere was measured for nothing."""
    html = write_report(make_run(facts=EVALUATED)).read_text("utf-8")
    assert re.findall(r'<section [^>]*id="(\w+)"', html)[4:6] == ["labels", "closer"]
    for words in ("Parts of the examples, by F1", "says the same as the teacher", "Calibration error"):
        assert words in html
    assert "−19.0 <small" in html, "the student's difference on long texts"


def test_published_numbers_stand_beside_ours_with_what_differs(make_run: MakeRun) -> None:
    """A published number alone is read as a bar; the two works differ in more than the model."""
    html = write_report(make_run(facts=EVALUATED)).read_text("utf-8")
    row = html[html.index("Published numbers beside ours</h3>") :].split("</tbody>")[0]
    for words in ("67.0", "[65.0, 69.0]", "85.9", "above it", "a card. Scored on news, &lt;b&gt;one&lt;/b&gt; seed."):
        assert words in row


def test_models_that_crowd_are_left_out_of_drawings(make_run: MakeRun) -> None:
    """Five lines in a drawing of three models that matter hide these."""
    more = [{**row, "model": "truncated"} for row in CLOSER["reliability"] if row["model"] == "student"]
    facts = {**EVALUATED["scores"], "reliability": [*CLOSER["reliability"], *more]}
    (calibration,) = calibrations(summarise(make_run(facts={**FACTS, "scores": facts})))
    assert "truncated" not in str(calibration.drawing)
    assert "student" in str(calibration.drawing)


def test_short_stands_before_long(make_run: MakeRun) -> None:
    """Parts in the order of the first example of each tell nothing at a glance."""
    slices = sorted(CLOSER["slices"], key=lambda row: str(row["part"]))
    facts = {**FACTS, "scores": {**FACTS["scores"], "slices": slices}}
    (table,) = slice_tables(summarise(make_run(facts=facts)))
    assert [part for part, _, _ in table.lines] == ["short (1-5)", "long (6-20)"]


def test_a_failed_seed_is_marked(make_run: MakeRun) -> None:
    """A seed without a score that leaves no trace makes the others look like all there were."""
    row = {**FACTS["scores"]["scores"][3], "seed": 3, "value": None, "ci95": None, "failed": "diverged at update 40"}
    scores = [*FACTS["scores"]["scores"], row]
    html = write_report(make_run(facts={**FACTS, "scores": {**FACTS["scores"], "scores": scores}})).read_text("utf-8")
    assert 'title="seed 3: diverged at update 40">failed</abbr>' in html
