"""Every snippet of a card is run, on a small model of its task."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from limbeck.exporting.feeds import sentences
from limbeck.exporting.inputs import emit_only, graph_inputs
from limbeck.exporting.onnx import export_onnx
from limbeck.models.loading import save_model
from limbeck.onnx_files import ONNX_FILE
from limbeck.publishing.exchanging import example
from limbeck.publishing.snippets import snippets
from node import SCRIPTS, node
from tiny_encoders import model_of
from tiny_tokenizers import KINDS

HEADS = {
    "token-classification": "ForTokenClassification",
    "text-classification": "ForSequenceClassification",
    "question-answering": "ForQuestionAnswering",
    "fill-mask": "ForMaskedLM",
    "feature-extraction": "",
}
TEXT, QUESTION = example("en")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Task to folder, made when first asked for."""
    made = {}

    def folder_of(task):
        if task not in made:
            made[task] = tmp_path_factory.mktemp(task)
            tokenizer = KINDS["bert"]([TEXT, QUESTION, *sentences()] * 4, 180)
            sizes = {"vocab_size": max(tokenizer.get_vocab().values()) + 1, "num_hidden_layers": 1}
            positions = {"max_position_embeddings": 130, "pad_token_id": tokenizer.pad_token_id}
            model = model_of("bert", HEADS[task], **sizes, **positions)
            names = graph_inputs(model, tokenizer.model_input_names)
            emit_only(tokenizer, names)
            tokenizer.model_max_length = 128
            save_model(model, tokenizer, made[task])
            export_onnx(model, names, made[task] / ONNX_FILE)
        return made[task]

    return folder_of


def _made(task, onnx=True):
    return snippets("a/b", task, onnx=onnx, mask="[MASK]", text=TEXT, question=QUESTION)


def _python(task, onnx=True):
    return {each.consumer: each.code for each in _made(task, onnx) if each.language == "python"}


def _of(task, language):
    return [each.code for each in _made(task) if each.language == language]


@pytest.mark.parametrize("task", HEADS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_python_snippets_run(task, exported, monkeypatch, capsys):
    """The first thing that a reader does with a card is to copy its code."""
    folder = exported(task)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name: name)
    for consumer, code in _python(task).items():
        capsys.readouterr()
        exec(compile(code.replace("a/b", str(folder)), f"{consumer}.{task}", "exec"), {})
        assert capsys.readouterr().out.strip() or task == "token-classification", f"{consumer} said nothing"


def test_questions_are_answered_alike_by_all(exported, monkeypatch, capsys):
    """Decoding that is written three times is wrong once."""
    folder = exported("question-answering")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name: name)
    said = {}
    for consumer, code in _python("question-answering").items():
        exec(compile(code.replace("a/b", str(folder)), consumer, "exec"), {})
        said[consumer] = capsys.readouterr().out.strip()
    assert said["transformers"] == said["onnxruntime"]
    assert said["transformers"] in TEXT
    assert f"'answer': '{said['transformers']}'" in said["limbeck"]


def test_the_removed_pipeline_is_not_asked_for():
    """The library has none for questions any more."""
    assert "pipeline(" not in _python("question-answering")["transformers"]


def test_sentence_vectors_are_the_same(exported):
    """Vectors that two libraries make otherwise cannot be searched with one another."""
    torch = pytest.importorskip("torch")
    loaded = pytest.importorskip("sentence_transformers").SentenceTransformer(str(exported("feature-extraction")))
    code = _python("feature-extraction")["transformers"].replace("a/b", str(exported("feature-extraction")))
    known = {}
    exec(compile(code, "transformers", "exec"), known)
    assert torch.allclose(torch.tensor(loaded.encode([TEXT, QUESTION])), known["vectors"], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("task", HEADS)
def test_javascript_snippets_run(task, exported, tmp_path):
    """A file that a browser cannot read, or code that is not JavaScript, is found out by a reader."""
    (code,) = _of(task, "javascript")
    shutil.copytree(exported(task), tmp_path / "a" / "b")
    (tmp_path / "node_modules").symlink_to(SCRIPTS / "node_modules")
    here = (
        "import { env } from '@huggingface/transformers';\nenv.allowRemoteModels = false;\nenv.localModelPath = '.';\n"
    )
    (tmp_path / "snippet.mjs").write_text(here + code, "utf-8")
    assert node(tmp_path / "snippet.mjs").strip()


@pytest.mark.slow
@pytest.mark.parametrize("task", [task for task in HEADS if task != "feature-extraction"])
def test_the_server_s_snippet_runs(task, exported, tmp_path):
    """A server that is started by a card's commands, and asked by them, has to answer."""
    (code,) = _of(task, "sh")
    download = tmp_path / "hf"
    download.write_text(
        f'#!/bin/sh\n[ "$1 $2 $3" = "download a/b --local-dir" ] && cp -r {exported(task)} "$4"\n', "utf-8"
    )
    download.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        script = code.replace("8000", str(free.getsockname()[1]))
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    with subprocess.Popen(
        ["sh", "-e"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
        env={**os.environ, "PATH": path},
    ) as shell:
        said = shell.communicate(f"{script}\nkill $!\n", timeout=120)[0]
    assert json.loads(said), said
    assert "error" not in said


@pytest.mark.parametrize("task", HEADS)
def test_without_onnx_nothing_is_promised_that_needs_it(task):
    """Code that looks for a file that was never exported fails at its first line."""
    weights = {"transformers", "sentencetransformers"} if task == "feature-extraction" else {"transformers"}
    assert set(_python(task, onnx=False)) == weights


def test_every_template_belongs_to_a_consumer_and_a_task():
    """A file that no card uses is run by nobody."""
    folder = Path(__file__).parents[2] / "src" / "limbeck" / "publishing" / "use"
    names = [path.name.split(".") for path in folder.glob("*.*.*.j2")]
    assert {task for _, task, *_ in names} == set(HEADS)
    used = {each.consumer for task in HEADS for each in snippets("a/b", task, onnx=True, text="t", question="q")}
    assert {consumer for consumer, *_ in names} == used
