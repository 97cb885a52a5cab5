import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reports_support import FACTS, several
from rich.console import Console
from safetensors.numpy import save_file

from limbeck.errors import ArtifactError, UserError
from limbeck.reports.comparison import as_tables, compare
from limbeck.reports.html import write_report

MakeRun = Callable[..., Path]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder: 20 embedding parameters, 12 others."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}", "utf-8")
    tensors = {"bert.embeddings.word_embeddings.weight": np.zeros((5, 4), np.float32), "dense.weight": np.zeros((3, 4))}
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_models_of_runs_and_of_folders_side_by_side(make_run: MakeRun, model: Path) -> None:
    """A comparison that mixes up models leads to shipping the wrong one."""
    run = make_run()
    write_report(run)
    rows = {row.model or "folder": row for row in compare([run, model])}
    assert list(rows) == ["teacher", "student", "control", "folder"]
    assert rows["student"].value == 0.67
    assert rows["student"].retention == 0.9812
    assert rows["student"].speedup == 1.95
    assert rows["teacher"].retention is None
    assert (rows["folder"].parameters, rows["folder"].parameters_without_embeddings) == (32, 12)
    assert rows["folder"].bytes == (model / "model.safetensors").stat().st_size


def test_rows_are_json_and_a_table(make_run: MakeRun, model: Path) -> None:
    """Programs read the one, people the other; both must hold the same numbers."""
    run = make_run()
    write_report(run)
    rows = compare([run, model])
    assert json.loads(json.dumps([row.model_dump(mode="json") for row in rows]))[1]["value"] == 0.67
    console = Console(width=250, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        console.print(*as_tables(rows))
    printed = capture.get()
    assert "67.0 [65.0, 69.0]" in printed
    assert "+3.4 [+1.7, +5.0]" in printed


def test_several_data_sets_stand_below_each_other(make_run: MakeRun, model: Path) -> None:
    """Rows of three data sets by two metrics in one heap are compared across data sets by mistake."""
    run = make_run(facts={**FACTS, "scores": several("mood", "names")})
    write_report(run)
    rows = compare([run, model])
    assert [(row.data, row.metric, row.primary) for row in rows if row.model == "student"] == [
        *(("mood", "F1", True), ("mood", "recall", False), ("names", "F1", True), ("names", "recall", False))
    ]
    assert all(row.step == "scores" for row in rows if row.model)
    models, scores = as_tables(rows)
    assert models.row_count == 4
    assert scores.row_count == 3 * 4
    said = [list(column.cells) for column in scores.columns[:3]]
    assert said[0][:4] == ["mood", "", "", "mood"]
    assert said[1][:4] == ["F1", "", "", "recall"]
    assert [str(cell).split(": ")[-1] for cell in said[2][:3]] == ["teacher", "student", "control"]


def test_columns_that_nothing_fills_are_left_out(model: Path) -> None:
    """A table of dashes hides the two numbers that it has."""
    assert [column.header for column in as_tables(compare([model]))[0].columns] == [
        *("model", "parameters", "outside embeddings", "size"),
    ]


def test_what_cannot_be_compared_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    """A folder that is silently skipped looks as if it had been compared."""
    with pytest.raises(UserError, match=r"does not exist; compare takes run folders and model folders"):
        compare([tmp_path / "nowhere"])
    with pytest.raises(UserError, match=r"neither a run folder .* nor a model folder"):
        compare([tmp_path])
    with pytest.raises(UserError, match=r"write its report first: limbeck report"):
        compare([make_run("text")])


def test_damage_is_named(make_run: MakeRun, model: Path) -> None:
    """A traceback does not say which of five folders is broken."""
    run = make_run()
    (run / "report.json").write_text("{}", "utf-8")
    with pytest.raises(ArtifactError, match=r"report\.json is damaged .* limbeck report"):
        compare([run])
    (model / "model.safetensors").write_bytes(struct.pack("<Q", 10) + b"not json!!")
    with pytest.raises(ArtifactError, match=r"model\.safetensors is damaged"):
        compare([model])
    (model / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"no \.safetensors file"):
        compare([model])
