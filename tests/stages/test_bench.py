import json

import pytest

from limbeck.errors import DataError
from limbeck.stages.bench import bench_engines, inputs_of


@pytest.mark.slow
def test_engines_stand_side_by_side(tiny, make_step, tmp_path):
    """A format that is chosen by its name may be the slowest on the machine at hand."""
    step = {
        "do": "finetune",
        "model": str(tiny.model),
        "data": tiny.data,
        "updates": 1,
        "batch": 4,
        "length": 32,
        "stride": 8,
    }
    tags = make_step({**step, "precision": "float32"})
    shipped = make_step({"do": "export", "model": "@t"}, {"@t": tags})
    (tmp_path / "texts.txt").write_text("one text\nanother, longer text\n\n")
    heard = []
    rows = bench_engines(shipped.model_folder, tmp_path / "texts.txt", 1, 0.1, heard.append)
    assert {row["way"].split(", ")[0] for row in rows} == {"onnx"}
    assert "onnx, onnxruntime" in {row["way"] for row in rows}
    assert all(row["inputs_per_second"] > 0 and row["p50_ms"] > 0 and row["threads"] == 1 for row in rows)
    assert len(heard) == len(rows)


def test_inputs_are_lines(tmp_path):
    """A question and its context do not fit into one text."""
    file = tmp_path / "inputs.txt"
    question = {"question": "who?", "context": "She did."}
    file.write_text(f"a text\n\n{json.dumps(question)}\n")
    assert list(inputs_of(file)) == ["a text", question]
    file.write_text('{"question": \n')
    with pytest.raises(DataError, match="line 1, begins like JSON and is none"):
        list(inputs_of(file))
    file.write_text("\n")
    with pytest.raises(DataError, match="has no inputs"):
        list(inputs_of(file))
    with pytest.raises(DataError, match="cannot be read"):
        list(inputs_of(tmp_path / "none"))
