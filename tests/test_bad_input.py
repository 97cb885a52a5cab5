"""The table of bad input: for each, the sentence and the exit code of the command line.

Exit code 2: the recipe or the arguments are wrong, or `plan` can tell; nothing was made. 1: only running shows it.
"""

import gzip
import json
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tiny_world import WORDS, save_model, tagged_sentences, write_recipe

# --- the recipe -----------------------------------------------------------------------------------------------


def _changed(recipe, path, value):
    """The recipe with the field at `path` set, or removed where the value is None."""
    *above, last = path.split(".")
    inside = recipe
    for key in above:
        inside = inside[int(key) if isinstance(inside, list) else key]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return recipe


CHANGES = {
    "unknown step": ("text.do", "corpse", r'text: unknown do "corpse"; did you mean "corpus"\?'),
    "no do": ("text.do", None, r'text: the field "do" is missing; it says which kind this is'),
    "unknown field": ("student.updats", 1, r'student: unknown field "updats"; did you mean "updates"\?'),
    "unknown inner field": ("small.layers.form", "top", r'small\.layers: unknown field "form"; did you mean "from"\?'),
    "missing field": ("small.model", None, r'small: the field "model" is missing'),
    "unknown method": ("student.method", "lightbert", r'no method "lightbert"; did you mean "lightmbert"\?'),
    "unknown objective": (
        "student.objectives",
        [{"kind": "hiden_mse"}],
        r'objectives\.0: unknown kind "hiden_mse"; did you mean "hidden_mse"\?',
    ),
    "no objective": ("student.objectives", [], r"student\.objectives: .*at least 1 item"),
    "a weight of nothing": (
        "student.objectives",
        [{"kind": "hidden_mse", "weight": {"from": 0, "to": 0}}],
        r"a weight from 0 to 0 counts nothing; leave the objective out",
    ),
    "a weight below nothing": ("student.objectives", [{"kind": "hidden_mse", "weight": -1}], r"weight.*greater than 0"),
    "unknown reference": ("student.corpus", "@txet", r'@txet refers to no step of this recipe; did you mean "text"\?'),
    "a cycle": ("small.model", "@student", r"small: the references form a cycle: small -> student -> small"),
    "a forward reference": ("student.corpus", "@late", r"@late comes later in the recipe; move late above student"),
    "a corpus as a model": ("small.model", "@text", r"@text is a corpus, and what is needed there is a model"),
    "a model as a corpus": ("student.corpus", "@small", r"@small is a model, and what is needed there is a corpus"),
    "a wrong type": ("student.updates", "many", r"student\.updates: .*integer.*found 'many'"),
    "below its range": ("student.updates", 0, r"student\.updates: .*greater than or equal to 1; found 0"),
    "infinite": ("student.learning_rate", float("inf"), r"learning_rate: .*finite number; found inf"),
    "a unit that is none": ("student.masking", {"unit": "words"}, r'unknown kind "words"; did you mean "word"\?'),
    "updates and epochs": ("student.epochs", 1, r"student: give either `updates` or `epochs`; found both"),
    "tokens by two amounts": (
        "small.vocabulary",
        {"corpus": "@text", "keep": 100, "megabytes": 1},
        r"one of keep_coverage, keep, megabytes says how many tokens stay; found keep and megabytes",
    ),
    "a tokenizer as a model": (
        "small",
        {"do": "tokenizer", "corpus": "@text", "family": "wordpiece"},
        r"@small is a tokenizer, and what is needed there is a model or fine-tuned models",
    ),
    "a tokenizer of no family": (
        "late",
        {"do": "tokenizer", "corpus": "@text", "family": "word_piece"},
        r'late\.family: unknown kind "word_piece"; did you mean "wordpiece"\?',
    ),
    "a tokenizer of nothing": (
        "late",
        {"do": "tokenizer", "corpus": "@text"},
        r"late: give either `family`, for example wordpiece, or `like`, a model; found neither",
    ),
    "a new model of no shape": (
        "late",
        {"do": "pretrain", "model": {"shape": "tiny", "tokenizer": "a/b"}, "corpus": "@text", "updates": 1},
        r'late\.model: unknown shape "tiny"; did you mean "bert-tiny"\?; a model whose shape is taken is a path',
    ),
    "a new model without words": (
        "late",
        {"do": "pretrain", "model": {"shape": "bert-tiny"}, "corpus": "@text", "updates": 1},
        r'late\.model: the field "tokenizer" is missing',
    ),
    "a step named as a path": ("a/b", {"do": "shrink"}, r'letters, digits, - and _, because it names .*found "a/b"'),
}
"""A field of the steps, its new value (None removes it), and the sentence."""

TOP = {
    "unknown top field": ("step", {}, r'unknown field "step"; did you mean "steps"\?'),
    "no steps": ("steps", {}, r"steps: .*at least 1 item.*found \{\}"),
    "a run named as a path": ("name", "../x", r"name: .*found '\.\./x'"),
    "a base that is no path": ("base", 3, r"base should be the path of another recipe, or a list of paths; found 3"),
    "a base that is missing": ("base", "no.yaml", r"no\.yaml: there is no such recipe"),
    "a base that is itself": ("base", "tiny.yaml", r"its bases form a cycle: tiny\.yaml -> tiny\.yaml"),
}
"""A field of the recipe, its new value, and the sentence."""


@pytest.mark.parametrize("verb", ["plan", "run"])
@pytest.mark.parametrize("case", CHANGES)
def test_a_recipe_that_means_nothing(command, world, tmp_path, case, verb):
    """A mistake that is not refused at once is found in the results, or never."""
    path, value, message = CHANGES[case]
    recipe = world.recipe("student")
    recipe["steps"]["late"] = recipe["steps"]["text"]
    _changed(recipe["steps"], path, value)
    _refused(command(verb, write_recipe(tmp_path, recipe)), 2, message)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("case", TOP)
def test_a_recipe_with_a_wrong_frame(command, world, tmp_path, case):
    """The fields around the steps are checked as the steps are."""
    path, value, message = TOP[case]
    _refused(command("run", write_recipe(tmp_path, _changed(world.recipe("small"), path, value))), 2, message)
    assert not (tmp_path / "runs").exists()


FILES = {
    "wrong YAML": (b"steps: [", r"tiny\.yaml: not valid YAML: .*line 1"),
    "duplicate keys": (b"steps:\n  a: {do: gate}\n  a: {do: gate}\n", r'not valid YAML: "a" stands twice in .*line 3'),
    "a key that is no name": (b"steps: {1: {do: gate}}", r"not valid YAML: the key 1 is not a name"),
    "a list": (b"- do: corpus\n", r"a recipe is a mapping with `name` and `steps`; found a list"),
    "nothing": (b"", r"a recipe is a mapping with `name` and `steps`; found an empty file"),
    "no text": (b"\xff\xfe\x00", r"tiny\.yaml: cannot be read as a recipe, it is not UTF-8 \(byte 0\)"),
    "zeros": (b"name: \0", r"tiny\.yaml: not valid YAML: .*special characters are not allowed"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_recipe(command, tmp_path, case):
    """Whatever was given instead, the answer is a sentence."""
    content, message = FILES[case]
    (tmp_path / "tiny.yaml").write_bytes(content)
    _refused(command("run", "tiny.yaml"), 2, message)


@pytest.mark.parametrize(
    ("path", "message"), [("no.yaml", "no.yaml: there is no such recipe"), (".", "Is a directory")]
)
def test_no_file_at_all(command, path, message):
    """The commonest mistake is the wrong folder."""
    _refused(command("plan", path), 2, message)


def _refused(ended, code, message):
    """One sentence on stderr, nothing on stdout, this exit code."""
    assert "Traceback" not in ended.err
    assert ended.out == ""
    sentence = ended.err[ended.err.rindex("limbeck: ") :]
    assert re.search(message, sentence, re.DOTALL), sentence
    assert ended.code == code, sentence


# --- files and models that plan can check ----------------------------------------------------------------------


def _text_source(path, **fields):
    return {"name": "tiny", "steps": {"text": {"do": "corpus", "sources": [{"kind": "text", "path": path, **fields}]}}}


def _model(world, folder, *, drop=(), config=None):
    """A copy of the world's model, without some files, with changes to its configuration."""
    copy = shutil.copytree(world.model, folder / "copy")
    for name in drop:
        (copy / name).unlink()
    if config:
        described = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps({**described, **config}))
    return copy


def _shrunk(model):
    return {"name": "tiny", "steps": {"small": {"do": "shrink", "model": str(model), "layers": {"keep": 2}}}}


def _trimmed(world, **amount):
    steps = world.recipe("text")["steps"]
    steps["small"] = {"do": "shrink", "model": str(world.model), "vocabulary": {"corpus": "@text", **amount}}
    return {"name": "tiny", "steps": steps}


def _distilled(world, **fields):
    recipe = world.recipe("student")
    recipe["steps"]["student"] |= fields
    return recipe


PAIRS = [{"kind": "hidden_mse"}, {"kind": "next_sentence"}]


def _slimmed(world, **fields):
    recipe = world.recipe("small", "text")
    text = recipe["steps"].pop("text")
    small = {**recipe["steps"]["small"], "importance": {"corpus": "@text"}, **fields}
    return {**recipe, "steps": {"text": text, "small": small}}


def _cached(world, **fields):
    """A student of a teacher's stored answers, and a second text."""
    recipe = _distilled(world, teacher={"kind": "cached", "from": "@answers", "model": str(world.model)})
    student = recipe["steps"].pop("student")
    recipe["steps"]["late"] = recipe["steps"]["text"]
    answers = {"do": "cache", "teacher": str(world.model), "corpus": "@text", "length": 32, "store": {"hidden": [4]}}
    recipe["steps"]["answers"] = {**answers, **fields}
    recipe["steps"]["student"] = {**student, "method": None, "objectives": [{"kind": "hidden_mse"}]}
    return recipe


def _narrow(world, folder):
    save_model(folder / "narrow", WORDS, hidden_size=16, vocab_size=_vocabulary(world))
    return folder / "narrow"


def _vocabulary(world):
    """Entries of the world's tokenizer."""
    return json.loads((world.model / "config.json").read_text())["vocab_size"]


def _other_words(folder):
    save_model(folder / "other", WORDS[:20])
    return folder / "other"


def _without_weights(world, folder):
    return _shrunk(_model(world, folder, drop=["model.safetensors"]))


def _only_pickled(world, folder):
    copy = _model(world, folder, drop=["model.safetensors"])
    (copy / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    return _shrunk(copy)


def _tagged(world, folder, model=None, **data):
    """Fine-tuning on files of this folder; `train` and others may be given as content."""
    given = {"kind": "iob", **world.data, **data}
    for name in ("train", "dev", "test"):
        value = given.get(name)
        if isinstance(value, str) and "\n" in value:
            path = folder / f"{name}.{given['kind']}"
            path.write_text(value, "utf-8")
            given[name] = str(path)
    step = {"do": "finetune", "model": str(model or world.model), "data": given, "updates": 2, "batch": 4}
    return {"name": "tiny", "steps": {"ner": {**step, "length": 64, "stride": 8, "precision": "float32"}}}


RAGGED_JSON = json.dumps({"tokens": ["a", "b"], "tags": ["O", "O"]}) + "\n"
RAGGED_JSON += json.dumps({"tokens": ["a", "b", "c"], "tags": ["O", "B-X"]}) + "\n"


PLANNED = {
    "missing text file": (
        lambda world, folder: _text_source("txet.txt"),
        r"steps\.text: there is no file txet\.txt; paths are relative to ",
    ),
    "a misspelt text file": (
        lambda world, folder: _text_source(str(world.folder / "txt.txt")),
        r'there is no file .*txt\.txt; did you mean "text\.txt"\?',
    ),
    "a pattern without files": (lambda world, folder: _text_source("*.txt.gz"), r"no file matches \*\.txt\.gz"),
    "a folder as a file": (lambda world, folder: _text_source(str(folder)), r"is a folder; say which files in it"),
    "missing tagged file": (
        lambda world, folder: _tagged(world, folder, train="no.iob"),
        r"steps\.ner: no\.iob cannot be read \(No such file or directory\); correct the path under data",
    ),
    "no such model folder": (lambda world, folder: _shrunk("./nowhere"), r"\./nowhere: there is no such folder"),
    "a folder without a model": (lambda world, folder: _shrunk(folder), r"has no config\.json, so it is not a model"),
    "no such package": (
        lambda world, folder: _shrunk("package:no_such_package/model"),
        r"the Python package no_such_package is not installed; try: pip install no-such-package",
    ),
    "a model without weights": (_without_weights, r"copy has no model\.safetensors; give a folder with weights"),
    "only pickled weights": (_only_pickled, r"has only pickled weights \(pytorch_model\.bin\), which can run code"),
    "remote code": (
        lambda world, folder: _shrunk(_model(world, folder, config={"auto_map": {"AutoModel": "x.Y"}})),
        r"asks for code from the Hub \(auto_map\), which Limbeck never runs; use a model of a family",
    ),
    "a family that is not built in": (
        lambda world, folder: _shrunk(_model(world, folder, config={"model_type": "gpt2"})),
        r"gpt2",
    ),
    "a checksum that is none": (lambda world, folder: _shrunk(f"{world.model}#sha256=12"), r"64 hexadecimal digits"),
    "more layers than there are": (
        lambda world, folder: _changed(_shrunk(world.model), "steps.small.layers.keep", 9),
        r"""steps\.small: layers: "bottom" can keep at most 4 of the model's 4 layers; found keep: 9""",
    ),
    "room for more tokens than there are": (
        lambda world, folder: _trimmed(world, keep=9999),
        r"steps\.small: vocabulary: the model has 300 tokens and there is room for 9,999, so none would be dropped",
    ),
    "no room for any token": (
        lambda world, folder: _trimmed(world, megabytes=0.01),
        r"vocabulary: the model takes 0\.1 MB without any token; found megabytes: 0\.01, so give more, or cut layers",
    ),
    "a width that the heads do not divide": (
        lambda world, folder: _slimmed(world, width=24),
        r"steps\.small: width: heads keep their size of 16, .*; found 24, the nearest possible: 16 and 32",
    ),
    "importance by a loss that the model lacks": (
        lambda world, folder: _slimmed(world, width=16, importance={"corpus": "@text", "by": "gradient"}),
        r"steps\.small: importance: the gradient is that of the masked-LM loss, and this model has no masked-LM head",
    ),
    "a cut by importance on no text": (
        lambda world, folder: _slimmed(world, feed_forward="half", importance=None),
        r'small: "feed_forward" leaves out what matters least on text, and no text is named; add importance',
    ),
    "another width": (
        lambda world, folder: _distilled(world, student=str(_narrow(world, folder))),
        r'objective "hidden_mse" needs student and teacher of the same width;'
        r" the student has 16 and the teacher 32; learn a map",
    ),
    "another vocabulary": (
        lambda world, folder: _distilled(world, student=str(_other_words(folder))),
        r'"attention_mse" compares token with token, and the tokenizer of .*other \(\d+ tokens\) is not that of .*;'
        r" use hidden_mse, .* or give both one tokenizer",
    ),
    "a layer pair out of range": (
        lambda world, folder: _distilled(world, objectives=[{"kind": "hidden_mse", "layers": [[1, 2], [3, 4]]}]),
        r'objective "hidden_mse" matches layer 3 of the student, whose layers with hidden states are 0 to 2; pairs are',
    ),
    "pairs of texts for a model that cannot judge them": (
        lambda world, folder: _distilled(world, student={"as": "distilbert"}, objectives=PAIRS),
        r'type "distilbert" has no place for a next-sentence head, which only a BERT has; leave the objective',
    ),
    "attention of the embeddings": (
        lambda world, folder: _distilled(world, objectives=[{"kind": "attention_mse", "layers": [[0, 0]]}]),
        r'objective "attention_mse" matches layer 0 of the student, whose layers with attention are 1 to 2',
    ),
    "ragged IOB": (
        lambda world, folder: _tagged(world, folder, train="a O\nb O\n\nc\n\n", columns={"token": 0, "tag": 1}),
        r"train\.iob:4 has no column 1 .* only 1 in all; complete the line, or correct data\.columns",
    ),
    "IOB with a column more": (
        lambda world, folder: _tagged(world, folder, train="a\tO\nb\tO\tx\n\n"),
        r"train\.iob:2 has 3 columns \(parted by tabs\), the lines before it 2; correct the line",
    ),
    "tags that are none": (
        lambda world, folder: _tagged(world, folder, train="a\tNOUN\n\n"),
        r'train\.iob:1 has "NOUN" in its tag column .* not an IOB2 tag',
    ),
    "a label column of another length": (
        lambda world, folder: _tagged(world, folder, kind="jsonl", train=RAGGED_JSON, test=RAGGED_JSON),
        r"train\.jsonl:2 has 3 .*2",
    ),
    "a cache of other masks": (
        lambda world, folder: _cached(world, masking={"probability": 0.3}),
        r"the cache @answers was made with the masking \{probability: 0\.3, .*give both the same, or set teacher\.kind",
    ),
    "a cache of another text": (
        lambda world, folder: _changed(_cached(world), "steps.answers.corpus", "@late"),
        r"the cache @answers was made with the text @late, and this step has the text @text; give both",
    ),
    "a cache of another teacher": (
        lambda world, folder: _changed(_cached(world), "steps.student.teacher.model", "@small"),
        r"the cache @answers was made with the teacher .*model, and this step has the teacher @small; give both",
    ),
    "a cache without what is read": (
        lambda world, folder: _cached(world, store={"hidden": [1]}),
        r'"hidden_mse" needs hidden states of layer 4; the cached teacher @answers gives only hidden states of layer 1;'
        r" set teacher\.kind: online, or rebuild the cache",
    ),
    "two ways of filling a batch": (
        lambda world, folder: _distilled(world, fill=True, pack=True),
        r"student: `fill` brings texts of like length together and `pack` puts several into one row; found both, set",
    ),
    "pairs of texts in packed rows": (
        lambda world, folder: _distilled(world, objectives=PAIRS, pack=True),
        r"student: next_sentence judges one pair of texts a row, and `pack` puts several texts into one; set `fill:",
    ),
    "an ensemble of weight 0": (
        lambda world, folder: _changed(
            _distilled(world),
            "steps.student.teacher",
            {"kind": "ensemble", "members": [{"model": str(world.model), "weight": 0}] * 2},
        ),
        r"student\.teacher\.members: the weights of the members sum to 0, so nobody would teach",
    ),
    "an empty tagged file": (
        lambda world, folder: _tagged(world, folder, train="\n\n"),
        r"train\.iob has no sentence; give a file with one word and its tag a line",
    ),
    "no entity to learn": (
        lambda world, folder: _tagged(world, folder, train="a O\nb O\n\nc O\n\nd O\n\n"),
        r"none of the \d training examples has an entity; check which column holds the tags",
    ),
    "development labels that training lacks": (
        lambda world, folder: _tagged(world, folder, dev="Kilbre\tB-ORG\n\n"),
        r"the .*examples have labels that the model does not know: B-ORG; it knows ",
    ),
}


@pytest.mark.parametrize("verb", ["plan", "run"])
@pytest.mark.parametrize("case", PLANNED)
def test_what_plan_can_tell(command, world, tmp_path, case, verb):
    """Whatever can be known beforehand must not be found out after hours."""
    build, message = PLANNED[case]
    _refused(command(verb, write_recipe(tmp_path, build(world, tmp_path))), 2, message)
    assert not list(tmp_path.glob("runs/tiny/steps/*"))


# --- what only running shows ------------------------------------------------------------------------------------


def _file(folder, name, content):
    (folder / name).write_bytes(content)
    return _text_source(str(folder / name))


def _nan_weight(world, folder):
    copy = _model(world, folder)
    weights = load_file(copy / "model.safetensors")
    name = "encoder.layer.0.intermediate.dense.weight"
    weights[name] = np.full_like(weights[name], np.nan)
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    return _tagged(world, folder, model=copy)


def _two_taggers(world, folder):
    """A student whose teacher was fine-tuned for other labels."""
    recipe = _tagged(world, folder)
    one_kind = tagged_sentences(40, random.Random(5)).replace("-PER", "-LOC")
    learner = _tagged(world, folder, train=one_kind, test=one_kind)["steps"]["ner"]
    recipe["steps"]["learner"] = {**learner, "teacher": "@ner"}
    return recipe


def _unknown_test_labels(world, folder):
    recipe = _tagged(world, folder)
    path = folder / "unknown.iob"
    path.write_text("Kilbre\tB-ORG\nopens\tO\n\n", "utf-8")
    data = {"kind": "iob", "test": str(path)}
    recipe["steps"]["scores"] = {"do": "evaluate", "models": {"student": "@ner"}, "data": data, "resamples": 1000}
    return recipe


def _new_tokens(world, *, held_out=0.1, **fields):
    steps = world.recipe("text")["steps"]
    text = {**steps["text"], "holdout": {"dev": held_out}}
    return {"name": "tiny", "steps": {"text": text, "tok": {"do": "tokenizer", "corpus": "@text", **fields}}}


def _learns_nothing(world):
    """A model from scratch on words that stand in no order."""
    recipe = _new_tokens(world, family="wordpiece", vocabulary=500)
    shape = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    step = {"do": "pretrain", "model": {"shape": shape, "tokenizer": "@tok"}, "corpus": "@text", "updates": 20}
    recipe["steps"]["new"] = {**step, "length": 32, "batch": 8, "learning_rate": 1e-3, "precision": "float32"}
    return recipe


def _unsplit(world, folder):
    """Whole words, of a tokenizer that does not part them."""
    copy = _model(world, folder)
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": False}
    tokenizer["model"] = {"type": "BPE", "vocab": tokenizer["model"]["vocab"], "merges": [], "unk_token": "[UNK]"}
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    step = {"do": "pretrain", "model": str(copy), "corpus": "@text", "updates": 1, "masking": {"unit": "word"}}
    return {"name": "tiny", "steps": {"text": world.recipe("text")["steps"]["text"], "control": step}}


TRUNCATED_GZIP = gzip.compress("\n\n".join(f"{word} " * 40 for word in WORDS).encode(), mtime=0)[:-20]

RUN = {
    "an empty text file": (lambda world, folder: _file(folder, "a.txt", b""), r"a\.txt is empty; give a file with"),
    "a blank text file": (lambda world, folder: _file(folder, "a.txt", b" \n\n \n"), r"nothing is left of 0 documents"),
    "a binary text file": (lambda world, folder: _file(folder, "a.txt", b"ab\0c"), r"a\.txt is binary, .*byte 2 is 0"),
    "a truncated gzip file": (
        lambda world, folder: _file(folder, "a.txt.gz", TRUNCATED_GZIP),
        r"a\.txt\.gz is cut off: its gzip stream has no end; fetch the file again",
    ),
    "a gzip file that is none": (lambda world, folder: _file(folder, "a.txt.gz", b"text"), r"is not a sound gzip file"),
    "a text file that is not UTF-8": (
        lambda world, folder: _file(folder, "a.txt", "für".encode("latin-1")),
        r"a\.txt is not UTF-8: byte 1 is 0xfc; convert it",
    ),
    "a checksum that differs": (
        lambda world, folder: _shrunk(f"{world.model}#sha256={'0' * 64}"),
        r"the checksum differs: expected 0{64}, found [0-9a-f]{64}; fetch the file again, or correct the checksum",
    ),
    "test labels unknown to the model": (
        _unknown_test_labels,
        r"the .*examples have labels that the model does not know: B-ORG; it knows ",
    ),
    "a teacher of other labels": (
        _two_taggers,
        r"the teacher @ner was fine-tuned for the labels .*and this data has .*fine-tune the teacher on the same data",
    ),
    "pairs of texts out of single lines": (
        lambda world, folder: _distilled(world, objectives=PAIRS),
        r"0 of \d+ documents have two paragraphs or more, and next_sentence needs .* \(documents: blank_line or file\)",
    ),
    "a corpus smaller than one batch": (
        lambda world, folder: _distilled(world, batch=500),
        r"the corpus has \d+ sequences and one batch holds 500; add text, or make the batch smaller",
    ),
    "a data set smaller than one batch": (
        lambda world, folder: _changed(_tagged(world, folder), "steps.ner.batch", 500),
        r"\d+ sequences.* 500; .*make the batch smaller",
    ),
    "fewer tokens than the text has characters": (
        lambda world, folder: _trimmed(world, keep=20),
        r"vocabulary: 20 tokens are fewer than the \d+ that have to stay: 5 special .* for the characters of the text",
    ),
    "fewer new tokens than the text has characters": (
        lambda world, folder: _new_tokens(world, family="wordpiece", vocabulary=20),
        r"vocabulary: 20 tokens are fewer than the \d+ that have to be: 5 special tokens and \d+ for the characters",
    ),
    "tokenizers compared on no text": (
        lambda world, folder: _new_tokens(world, held_out=0, family="wordpiece", compare=[str(world.model)]),
        r"@text holds no text out, so there is none on which tokenizers could be compared; give the corpus a holdout",
    ),
    "a new model that learned nothing": (
        lambda world, folder: _learns_nothing(world),
        r"this model learned nothing: at \d+ masked tokens of held-out text its loss is .*What was made before is kept",
    ),
    "nothing masked": (
        lambda world, folder: _distilled(world, masking={"probability": 1e-6}),
        r"the first update predicts 0 of \d+ tokens, and masking asks for 1e-06 of them; make the batch larger, or",
    ),
    "a tokenizer that takes lines for words": (
        _unsplit,
        r"whole words cannot be masked: .* it takes whole lines for words\. Set masking\.unit: token, or use a",
    ),
    "a rate that explodes": (
        lambda world, folder: _distilled(world, learning_rate=1e30, schedule="constant", warmup=0.0),
        r"update \d+: the (loss|gradient's norm) is (nan|inf).*the last checkpoint is kept\. Lower the learning rate",
    ),
    "a weight that is not finite": (_nan_weight, r"update 1: the loss is nan because of hard_labels; .*Lower the"),
}


@pytest.mark.parametrize("case", RUN)
def test_what_only_running_shows(command, world, tmp_path, case):
    """And then one sentence, exit code 1, and what was finished is kept."""
    build, message = RUN[case]
    path = write_recipe(tmp_path, build(world, tmp_path))
    _refused(command("run", path), 1, message)
    failed = [json.loads(line) for line in (tmp_path / "runs/tiny/events.jsonl").read_text().splitlines()][-1]
    assert failed["event"] == "failed"
    finished = [folder for folder in Path("runs/tiny/steps").iterdir() if not folder.name.startswith(".")]
    assert all((folder / "manifest.json").exists() for folder in finished)


def test_one_bad_file_among_many_is_counted_and_named(command, world, tmp_path):
    """Thirty files must not be lost to one, nor one be lost without a word."""
    folder = tmp_path / "texts"
    folder.mkdir()
    lines = world.text.read_text().splitlines()
    for number in range(30):
        (folder / f"{number:02}.txt").write_text("\n".join(lines[number * 10 : number * 10 + 10]))
    (folder / "13.txt").write_bytes(b"ab\0cd")
    path = write_recipe(tmp_path, _text_source(f"{folder}/*.txt", documents="line"))
    ended = command("run", path, "--format", "json")
    assert ended.code == 0
    assert "13.txt is binary" in ended.err
    made = Path(json.loads(ended.out)["artifacts"]["text"])
    facts = json.loads((made / "manifest.json").read_text())["facts"]
    assert facts["counts"]["files"] == {"in": 30, "kept": 29, "dropped": {}, "errors": 1}
    (folder / "14.txt").write_bytes(b"\xff")
    _refused(command("run", path), 1, r"2 of 30 files cannot be read, and max_errors allows 5%; the first: .*13\.txt")


def test_a_sentence_longer_than_the_model_keeps_every_word(command, world, tmp_path):
    """Words cut off behind position 64 would count as missed, or, worse, not count."""
    long = "".join(f"{word}\tO\n" for word in (WORDS * 3)[:180]) + "Macbre\tB-PER\nMaccor\tI-PER\n\n"
    recipe = _tagged(world, tmp_path, train=world.train.read_text() + long, test=long + world.test.read_text())
    recipe["steps"]["ner"]["length"] = 256
    recipe["steps"]["scores"] = {"do": "evaluate", "models": {"student": "@ner"}, "resamples": 1000}
    ended = command("run", write_recipe(tmp_path, recipe), "--format", "json")
    assert ended.code == 0, ended.err
    scores = Path(json.loads(ended.out)["artifacts"]["scores"])
    (predictions,) = (scores / "predictions").iterdir()
    rows = [json.loads(line) for line in predictions.read_text().splitlines()]
    assert [len(row["said"]) for row in rows][:2] == [182, len(world.test.read_text().split("\n\n")[0].splitlines())]


def test_a_text_longer_than_the_model_is_read_whole(command, world, tmp_path):
    """A book cut at its first page is a small corpus with a large name."""
    (tmp_path / "book.txt").write_text(" ".join(WORDS * 40))
    recipe = _distilled(world, updates=1, batch=4)
    recipe["steps"]["student"]["length"] = 256
    recipe["steps"]["text"] = _text_source(str(tmp_path / "book.txt"), documents="file")["steps"]["text"]
    recipe["steps"]["text"]["holdout"] = {"dev": 0.0}
    ended = command("run", write_recipe(tmp_path, recipe))
    assert ended.code == 0, ended.err
    (said,) = [line for line in ended.err.splitlines() if line.startswith("  train: ")]
    sequences, tokens = (int(part.split()[0].replace(",", "")) for part in said.removeprefix("  train: ").split(", "))
    assert tokens - 2 * sequences >= 40 * len(WORDS)
