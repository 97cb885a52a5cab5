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
    assert len(marks) == 6
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
    for words in ("F1 by words on names", "says the same as the teacher", "Calibration error", "a card has 0.859"):
        assert words in html


def test_a_failed_seed_is_marked(make_run: MakeRun) -> None:
    """A seed without a score that leaves no trace makes the others look like all there were."""
    row = {**FACTS["scores"]["scores"][3], "seed": 3, "value": None, "ci95": None, "failed": "diverged at update 40"}
    scores = [*FACTS["scores"]["scores"], row]
    html = write_report(make_run(facts={**FACTS, "scores": {**FACTS["scores"], "scores": scores}})).read_text("utf-8")
    assert 'title="seed 3: diverged at update 40">failed</abbr>' in html
