import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from runtime_support import LABELS, TEXTS

from limbeck.errors import DataError, ModelError, RecipeError
from limbeck.exporting.openvino import export_openvino
from limbeck.openvino_files import OPENVINO_FILE
from limbeck.runtime import Model, choosing
from limbeck.runtime.answering import answers
from limbeck.runtime.choosing import REMEMBERED
from limbeck.runtime.engines import ENGINES, installed
from processors import needs_bfloat16

TAGS = {"id2label": LABELS, "label2id": {label: number for number, label in LABELS.items()}}
QUESTION = {"question": "Where did she write?", "context": TEXTS[0]}


@pytest.fixture
def tagger(export):
    """A folder with a model of tags."""
    return export("bert", "ForTokenClassification", **TAGS)


def _loaded(folder):
    return Model.load(folder, threads=1)


def test_a_long_text_is_read_to_its_end(tagger, tmp_path):
    """Entities behind the model's last position are lost without a word."""
    shutil.copytree(tagger, tmp_path / "m")
    (tmp_path / "m" / "reading.json").write_text('{"length": 24, "stride": 8}')
    short, long = _loaded(tmp_path / "m"), " ".join(TEXTS)
    said = short(long, aggregation_strategy="none", ignore_labels=[])
    whole = _loaded(tagger)(long, aggregation_strategy="none", ignore_labels=[])
    assert [(each["index"], each["start"], each["end"]) for each in said] == [
        (each["index"], each["start"], each["end"]) for each in whole
    ]
    assert len(said) > 60


def test_a_token_of_two_windows_is_answered_where_it_has_most_around_it(tagger):
    """A window's last tokens have seen nothing of what follows, and would speak for the next sentence's names."""
    from limbeck.runtime.entities import _each_once
    from limbeck.windows.pieces import Piece

    special = np.array([True, *[False] * 4, True])
    cut = [Piece(np.arange(6) + 10 * window, np.zeros((6, 2), int), special) for window in range(2)]
    logits = [np.full((6, 2), [window, 0.0]) for window in range(2)]
    found = _each_once(cut, 2, logits)
    assert [(number, row) for number, row, *_ in found] == [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (6, 4)]
    assert [piece is cut[0] for *_, piece, _ in found] == [True, True, True, False, False, False]


def test_an_answer_is_a_stretch_of_its_context(export):
    """A page that marks the answer in its context marks something else."""
    model = _loaded(export("bert", "ForQuestionAnswering"))
    several = model({"question": "Who?", "context": TEXTS[2] * 3}, top_k=5)
    assert len(several) == 5
    for each in several:
        assert (TEXTS[2] * 3)[each["start"] : each["end"]] == each["answer"]
        assert 0 <= each["score"] <= 1
    alone = model(QUESTION)
    assert list(alone) == ["answer", "score", "start", "end"]


def test_nothing_is_said_where_it_may_be(export, tmp_path):
    """A model that was measured on questions without answers invents one for each."""
    folder = tmp_path / "m"
    shutil.copytree(export("bert", "ForQuestionAnswering"), folder)
    (folder / "reading.json").write_text(json.dumps({"threshold": -1e9}))
    model = _loaded(folder)
    silent = model(QUESTION, handle_impossible_answer=True)
    assert (silent["answer"], silent["start"], silent["end"]) == ("", 0, 0)
    assert 0 < silent["score"] < 1
    assert model(QUESTION)["answer"]
    assert [bool(each["answer"]) for each in model(QUESTION, handle_impossible_answer=True, top_k=3)] == [
        False,
        True,
        True,
    ]


def test_many_inputs_are_answered_as_each_alone(export):
    """Padding that reaches an answer makes it depend on what others asked."""
    model = _loaded(export("bert", "ForQuestionAnswering"))
    inputs = [{"question": "Who?", "context": text * times} for text in TEXTS for times in (1, 7)]
    together = model(inputs)
    for given, said in zip(inputs, together, strict=True):
        alone = model(given)
        assert said["score"] == pytest.approx(alone.pop("score"), abs=1e-5)
        assert {name: said[name] for name in alone} == alone


def test_inputs_of_several_requests_are_answered_together(tagger):
    """A server that cannot mix requests in a batch computes each by itself."""
    model = _loaded(tagger)
    ways = [{"aggregation_strategy": "none"}, {"aggregation_strategy": "simple", "ignore_labels": []}]
    asked = [each for way in ways for each in model.prepare(TEXTS[:2], model.options(way))]
    said = answers(model.engine, asked, model.processor.pad)
    assert [[len(model(text, **way)) for text in TEXTS[:2]] for way in ways] == [
        [len(each) for each in said[:2]],
        [len(each) for each in said[2:]],
    ]


def test_tags_are_read_where_they_were_learned(tagger, tmp_path):
    """What a tagger says inside words nobody taught it; read there, a name comes back in pieces."""
    folder = tmp_path / "m"
    shutil.copytree(tagger, folder)
    first, simple = ({"aggregation_strategy": way, "ignore_labels": []} for way in ("first", "simple"))
    usual = _loaded(folder)(TEXTS[0], ignore_labels=[])
    (folder / "reading.json").write_text('{"aggregation_strategy": "first"}')
    model = _loaded(folder)
    assert usual == model(TEXTS[0], **simple) != model(TEXTS[0], **first)
    assert model(TEXTS[0], ignore_labels=[]) == model(TEXTS[0], **first)


@pytest.mark.parametrize(
    ("head", "given", "sentence"),
    [
        ("ForTokenClassification", 7, "the text should be a text; found a number"),
        ("ForTokenClassification", "a\ud800", "has half of a surrogate pair"),
        ("ForQuestionAnswering", "who?", 'should be an object {"question": ..., "context": ...}; found a text'),
        ("ForQuestionAnswering", {"question": "who?"}, 'an input lacks "context"'),
        ("ForQuestionAnswering", {**QUESTION, "more": 1}, "has a field that is not known"),
        ("ForQuestionAnswering", {**QUESTION, "context": " "}, "the context is empty"),
        ("ForSequenceClassification", None, "should be an object .* found nothing"),
        ("ForSequenceClassification", {"text": "a", "text_pair": 1}, "the text_pair should be a text; found a number"),
        ("ForMaskedLM", "no mask", r"should have \[MASK\] where a word is to be found, 1 to 100 times; found none"),
        ("ForMaskedLM", "[MASK] " * 101, "1 to 100 times; found 101"),
        ("ForMaskedLM", "[MASK] " + "word " * 200, "the text has 203 tokens and the model reads 130"),
    ],
)
def test_an_input_that_cannot_be_read_is_refused(head, given, sentence, export):
    """A stack trace of a tokenizer tells a caller nothing."""
    with pytest.raises(DataError, match=sentence):
        _loaded(export("bert", head))(given)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"aggregation_strategy": "firts"}, "parameters.aggregation_strategy: .*found 'firts'"),
        ({"strid": 3}, 'unknown field "strid"; did you mean "stride"?'),
        ({"stride": -1}, "parameters.stride"),
    ],
)
def test_a_parameter_that_is_not_known_is_refused(parameters, sentence, tagger):
    """A misspelt parameter that is passed over gives an answer to another question."""
    with pytest.raises(RecipeError, match=sentence):
        _loaded(tagger)(TEXTS[0], **parameters)


def _changed(folder, **fields):
    config = json.loads((folder / "config.json").read_text()) | fields
    (folder / "config.json").write_text(json.dumps(config))


BROKEN = {
    "no folder": (shutil.rmtree, "is no folder; give one that an export step wrote"),
    "no configuration": (lambda f: (f / "config.json").unlink(), "has no config.json"),
    "half a configuration": (lambda f: (f / "config.json").write_text('{"arch'), "config.json cannot be read"),
    "nested too deep": (lambda f: (f / "config.json").write_text("[" * 100_000), "config.json cannot be read"),
    "a list": (lambda f: (f / "config.json").write_text("[]"), "is no object of fields"),
    "code of its own": (lambda f: _changed(f, auto_map={"AutoModel": "x.py"}), "Python code of the model's own"),
    "no head": (lambda f: _changed(f, architectures=["BertModel"]), "holds a BertModel, which answers nothing"),
    "no labels": (lambda f: _changed(f, id2label={"0": "O", "7": "X"}), "does not name its classes 0, 1"),
    "no positions": (lambda f: _changed(f, max_position_embeddings=None), "does not say how many positions"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "has no tokenizer.json"),
    "half a tokenizer": (lambda f: (f / "tokenizer.json").write_text('{"model": {}}'), "tokenizer that cannot be read"),
    "no file to run": (lambda f: shutil.rmtree(f / "onnx"), r"has no onnx/model\.onnx; write it with an export step"),
    "half a file": (
        lambda f: (f / "onnx/model.onnx").write_bytes((f / "onnx/model.onnx").read_bytes()[:1000]),
        r"model\.onnx cannot be loaded: .*damaged",
    ),
    "settings of another kind": (
        lambda f: (f / "reading.json").write_text('{"length": "x"}'),
        "reading.json cannot be",
    ),
}


@pytest.mark.parametrize("harm", BROKEN)
def test_a_folder_that_cannot_answer_is_refused(harm, tagger, tmp_path):
    """A server that starts with half a model fails at the first question, in front of users."""
    folder = tmp_path / "m"
    shutil.copytree(tagger, folder)
    change, sentence = BROKEN[harm]
    change(folder)
    with pytest.raises(ModelError, match=sentence):
        _loaded(folder)


def test_pickles_are_never_read(tagger, tmp_path):
    """A pickle runs what it likes when it is opened."""
    folder = tmp_path / "m"
    shutil.copytree(tagger, folder)
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    _loaded(folder)
    shutil.rmtree(folder / "onnx")
    with pytest.raises(ModelError, match="has no onnx"):
        _loaded(folder)
    assert not Path("owned").exists()


def test_what_is_fastest_is_measured_once(tagger, tmp_path, monkeypatch):
    """A start that measures for seconds every time is a slow start."""
    folder = tmp_path / "m"
    shutil.copytree(tagger, folder)
    monkeypatch.setattr(choosing, "cores", lambda: 2)
    monkeypatch.setattr(choosing, "installed", lambda: ["onnxruntime"])
    heard, seconds = [], {2: 1.0, 1: 0.5}
    monkeypatch.setattr(
        choosing, "_seconds", lambda engine, _: seconds[engine._session.get_session_options().intra_op_num_threads]
    )
    first = Model.load(folder, say=heard.append)
    assert first.choice == choosing.Choice("onnx", "onnxruntime", 1)
    assert heard == ["m: onnx in onnxruntime, 1 thread is the fastest of 2 ways to run it here"]
    noted = json.loads((folder / REMEMBERED).read_text())
    assert [each["seconds"] for each in next(iter(noted.values()))["measured"]] == [1.0, 0.5]
    again = Model.load(folder, say=heard.append)
    assert (again.choice, len(heard)) == (first.choice, 1)
    seconds[1] = 0.99
    (folder / REMEMBERED).write_text("{")
    assert Model.load(folder).choice.threads == 2  # a hundredth is noise


@needs_bfloat16
def test_the_fastest_of_the_smaller_files_is_taken(tagger, tmp_path, monkeypatch):
    """Which of two files is faster depends on the processor, and nobody should have to try."""
    folder = tmp_path / "m"
    shutil.copytree(tagger, folder)
    shutil.copy(folder / "onnx" / "model.onnx", folder / "onnx" / "model_int8.onnx")
    export_openvino(folder / "onnx" / "model.onnx", folder / OPENVINO_FILE)
    seconds = {"onnxruntime": 1.0, "openvino": 0.5}
    monkeypatch.setattr(choosing, "_seconds", lambda engine, _: seconds[type(engine).__name__.lower()])
    monkeypatch.setattr(choosing, "installed", lambda: ["onnxruntime", "openvino"])
    heard = []
    Model.load(folder, threads=1, say=heard.append)
    assert heard[0].endswith("the fastest of 3 ways to run it here")
    seconds["openvino"] = 2.0
    (folder / REMEMBERED).unlink()
    assert Model.load(folder, threads=1).choice == choosing.Choice("onnx-int8", "onnxruntime", 1)
    with pytest.raises(ModelError, match="onnxruntime runs no file of the format openvino"):
        Model.load(folder, format="openvino", engine="onnxruntime")


def _threads(engine):
    return engine._session.get_session_options().intra_op_num_threads


def test_a_folder_that_is_only_read_is_measured_every_time(tagger, tmp_path, monkeypatch):
    """Models in a container's image cannot be written to, and have to start."""
    folder = tmp_path / "m"
    shutil.copytree(tagger, folder)
    (folder / REMEMBERED).unlink(missing_ok=True)
    monkeypatch.setattr(choosing, "cores", lambda: 2)
    monkeypatch.setattr(Path, "write_text", _refused)
    assert Model.load(folder)(TEXTS[0]) is not None
    assert not (folder / REMEMBERED).exists()


def _refused(*arguments, **named):
    raise PermissionError("read-only")


def test_classes_without_names_have_those_of_transformers(export):
    """Transformers leaves out names that it gave itself; a model without them is not damaged."""
    said = _loaded(export("bert", "ForSequenceClassification"))(TEXTS[0])
    assert {each["label"] for each in said} == {"LABEL_0", "LABEL_1"}


def test_any_model_can_be_timed(export):
    """A model of few positions, or of few tokens, fails before it is asked anything."""
    folder = export("bert", "ForTokenClassification", **TAGS, max_position_embeddings=16)
    assert Model.load(folder)("a b c") is not None


def test_every_engine_says_the_same(export):
    """The fastest engine is taken without asking, so it must not matter which one it is."""
    folder = export("bert", "ForQuestionAnswering")
    assert set(ENGINES) == set(installed())
    answers = [Model.load(folder, engine=engine, threads=1)([QUESTION] * 2) for engine in ENGINES]
    for ours, theirs in zip(*answers, strict=True):
        assert ours.pop("score") == pytest.approx(theirs.pop("score"), abs=1e-4)
        assert ours == theirs
