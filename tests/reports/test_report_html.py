import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from reports_support import FACTS, RECIPE, TEXT

from limbeck.reports.html import write_report
from limbeck.reports.wording import points, score, share, times

MakeRun = Callable[..., Path]
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Collects tags, addresses and text, and checks that tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def page_of(run: Path) -> Page:
    """The written report, parsed."""
    return Page(write_report(run).read_text("utf-8"))


def test_the_page_needs_nothing_else(make_run: MakeRun) -> None:
    """A report that fetches something tells a stranger who reads it, and is blank on a train."""
    html = write_report(make_run()).read_text("utf-8")
    page = Page(html)
    assert page.open == []
    assert page.addresses == []
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(page.tags)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", html)


def test_text_cannot_become_markup(make_run: MakeRun) -> None:
    """A crawled text with a script in it would run in the browser of whoever opens the report."""
    page = page_of(make_run())
    assert page.text.count("<script>alert(1)</script>") == 3 - 1
    assert "Call " in page.text
    assert "<b>" in page.text


def test_a_recipe_cannot_become_markup(make_run: MakeRun) -> None:
    """The recipe, the machine and the failures are shown as well, and come from outside too."""
    hostile = "</pre><script>x</script>"
    run = make_run(recipe={**RECIPE, "description": hostile})
    (run / "environment.json").write_text(json.dumps({hostile: hostile}), "utf-8")
    page = page_of(run)
    assert "script" not in page.tags
    assert page.text.count(hostile) >= 3


def test_numbers_on_the_page_are_those_of_report_json(make_run: MakeRun) -> None:
    """Two sources of truth are one too many."""
    run = make_run()
    page = page_of(run)
    report = json.loads((run / "report.json").read_text("utf-8"))
    evidence = report["evidence"][0]
    assert share(evidence["retention"]) in page.text
    assert points(evidence["control_difference"]) in page.text
    assert evidence["verdict"] in page.text
    assert all(score(row["value"]) in page.text for row in report["scores"])
    assert times(report["ratios"][0]["speedup"]) in page.text
    assert report["headline"] in page.text
    assert all(step["fingerprint"][:8] in page.text for step in report["steps"])


def test_sections_appear_in_order(make_run: MakeRun) -> None:
    """The verdict comes first: most readers read nothing else."""
    html = write_report(make_run()).read_text("utf-8")
    found = re.findall(r'<section [^>]*id="(\w+)"', html)
    assert found == [
        *("verdict", "retention", "scores", "learning", "labels", "speed"),
        *("models", "disagreements", "cost", "text", "steps"),
    ]


@pytest.mark.parametrize("step", list(RECIPE["steps"]))
def test_absent_steps_leave_a_readable_page(make_run: MakeRun, step: str) -> None:
    """A template that needs every step fails exactly when a run has failed."""
    page = page_of(make_run(step))
    assert page.open == []
    assert "This run is not finished" in page.text or step == "scores"
    assert "What this report lacks" in page.text


def test_values_that_are_missing_leave_a_readable_page(make_run: MakeRun) -> None:
    """A benchmark without percentiles, or scores without intervals, are still worth showing."""
    rows = [{"model": "student", "batch": "mixed", "length": "mixed", "p50_ms": None, "sequences_per_second": 5.0}]
    bare = {"model": "student", "metric": "F1", "seed": "mean", "value": 0.5}
    facts = {
        **FACTS,
        "speed": {"speed": rows},
        "scores": {"scores": [bare], "evidence": [{"metric": "F1", "student": "student", "verdict": "alone"}]},
        "student": {"model_folder": "model"},
        "text": {},
        "keeps": {"bounds": [{"name": "size"}]},
    }
    page = page_of(make_run(facts=facts))
    assert page.open == []
    assert "50.0" in page.text


def test_energy_is_said_to_be_unmeasured(make_run: MakeRun) -> None:
    """A blank where energy should be reads as zero."""
    assert "not measured: install limbeck[emissions]" in page_of(make_run()).text


def test_a_missed_gate_is_plain(make_run: MakeRun) -> None:
    """A missed gate that looks like a passed one ships a bad model."""
    bound = {"name": "retention", "wanted": 0.99, "found": 0.9812, "passed": False, "reason": "0.9812, at least 0.99"}
    run = make_run(*(step for step in RECIPE["steps"] if step != "keeps"))
    (run / "events.jsonl").write_text(json.dumps({"step": "keeps", "event": "gate", "bounds": [bound]}), "utf-8")
    page = page_of(run)
    assert "Gate missed" in page.text
    assert "Gate passed" not in page.text
    assert "0.9812, at least 0.99" in page.text


def test_what_a_search_tried_is_shown(make_run: MakeRun) -> None:
    """A student that was searched for and a control that was not are no fair comparison, and nobody would see."""
    tried = [
        {"data": "names", "learning_rate": 5e-3, "epochs": None, "dev_score": 0.71, "chosen": True},
        {"data": "names", "learning_rate": 0.5, "epochs": None, "chosen": False, "failed": "the loss is nan"},
    ]
    html = write_report(make_run(facts={**FACTS, "student_ner": {**FACTS["student_ner"], "tried": tried}})).read_text()
    table = html[html.index("What the searches tried") :].split("</table>")[0]
    for words in ("0.005", "71.0", "taken for all seeds", "the loss is nan"):
        assert words in table


def test_how_texts_were_compared_and_packed(make_run: MakeRun) -> None:
    """A student that is compared with its teacher on half of the words has learned half of it."""
    facts = {"words_aligned": {"words": 2000, "shared": 1980, "share": 0.99}, "packed": {"rows": 12, "padding": 0.031}}
    text = page_of(make_run(facts={**FACTS, "student": {**FACTS["student"], **facts}})).text
    assert "99.00\u00a0% of 2,000 words" in text
    assert "packed its texts into 12 rows, 3.1\u00a0% of their tokens padding" in text


def test_answers_and_classes_on_which_the_two_differ(make_run: MakeRun) -> None:
    """Numbers say that a student errs, examples say how, whatever the task."""
    certain = {"certainty": 0.8, "right": True}
    says = {
        "gold": {"said": "good"},
        "teacher": {"said": "good", **certain},
        "student": {"said": "<b>", "right": False},
    }
    told = [
        {"task": "sequence_classification", "data": "mood", "text": TEXT, "says": says},
        {
            **{
                "task": "question_answering",
                "data": "who",
                "text": "x" * 300 + " Ann " + "y" * 300,
                "question": "who?",
            },
            **{"gold": [{"start": 301, "end": 304, "label": "answer"}], "student": []},
            "says": {"gold": {"said": "Ann"}, "student": {"said": "", "certainty": 0.25, "right": False}},
        },
    ]
    html = write_report(make_run(facts={**FACTS, "scores": {**FACTS["scores"], "disagreements": told}})).read_text()
    page = Page(html)
    assert page.open == []
    assert "script" not in page.tags
    part = html[html.index('id="disagreements"') :]
    assert part.index("<summary>mood</summary>") < part.index("<summary>who</summary>")
    for words in ("right, 80\u00a0% certain", "wrong, 25\u00a0% certain", "no answer", ">&lt;b&gt;<", "who?"):
        assert words in part
    assert "… " + "x" * 89 + ' <mark class="hue-0 gold bare">Ann</mark> ' + "y" * 89 + " …" in part


def test_writing_leaves_no_partial_file(make_run: MakeRun) -> None:
    """Half a report under its final name looks like a whole one."""
    run = make_run()
    write_report(run)
    write_report(run)
    assert not list(run.glob(".*"))
    assert {path.name for path in run.glob("report.*")} == {"report.html", "report.json"}
