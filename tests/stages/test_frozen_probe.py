import json
import random
import shutil
from dataclasses import replace

import pytest
import torch
from stage_support import Heard
from tokenizers import Tokenizer
from transformers import AutoTokenizer

import limbeck.training.fit as fitting
from limbeck.corpora import batches
from limbeck.errors import DataError, RecipeError, TrainingError
from limbeck.outlines import Outline
from limbeck.stages import pretrain
from limbeck.stages.pretrain import PretrainStep
from limbeck.teachers.online import Online

SHAPE = {
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.1,
}
SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
_RANDOM = random.Random(5)
NAMES = ["".join(_RANDOM.sample(SYLLABLES, 3)) for _ in range(60)]
SEA, LAND = NAMES[:30], NAMES[30:]
"""Words that only ever stand among their own: what a word is about shows in text alone."""
NOTHING = "this model learned nothing that the task can use: a linear classifier on its frozen encoder has F1"


def _sentence(words, random_):
    return random_.choices(words, k=random_.randint(6, 10))


@pytest.fixture(scope="session")
def topics(tmp_path_factory):
    """Plain text about the sea and about the land, and tagged text of which development has words of its own."""
    folder, random_ = tmp_path_factory.mktemp("topics"), random.Random(6)
    lines = [" ".join(_sentence(random_.choice([SEA, LAND]), random_)) for _ in range(900)]
    (folder / "text.txt").write_text("\n".join(lines) + "\n", "utf-8")
    for name, part in (("train", slice(0, 15)), ("dev", slice(15, 30))):
        tagged = []
        for words, tag in [(SEA, "B-SEA"), (LAND, "O")] * 60:
            tagged.append("\n".join(f"{word}\t{tag}" for word in _sentence(words[part], random_)))
        (folder / f"{name}.iob").write_text("\n\n".join(tagged) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="session")
def text(topics, make_step):
    """The corpus."""
    source = {"kind": "text", "path": str(topics / "text.txt"), "documents": "line"}
    return make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0.1}})


@pytest.fixture(scope="session")
def words(text, make_step):
    """Its tokenizer."""
    fields = {"do": "tokenizer", "corpus": "@text", "family": "wordpiece", "vocabulary": 200}
    return make_step(fields, {"@text": text})


@pytest.fixture(scope="session")
def learned(text, words, topics, make_step):
    """A model that knows its text, as a step of its own."""
    return make_step(_from_scratch(topics), {"@text": text, "@tok": words})


def _probe(topics, **fields):
    return {"data": {"kind": "iob", "train": str(topics / "train.iob"), "dev": str(topics / "dev.iob")}, **fields}


def _from_scratch(topics, probe=None, **fields):
    training = {"updates": 300, "batch": 16, "length": 32, "learning_rate": 1e-2, "dropout": False}
    model = {"shape": SHAPE, "tokenizer": "@tok", "must_learn": False}
    step = {"do": "pretrain", "model": model, "corpus": "@text", "precision": "float32"}
    return {**step, **training, "probe": _probe(topics, **(probe or {})), **fields}


def _going_on(topics, model, **fields):
    return {**_from_scratch(topics), "model": str(model), "updates": 20, "learning_rate": 1e-3, **fields}


def _distilled(topics, teacher, **fields):
    student = {"layers": {"keep": 1, "from": "bottom"}}
    step = {"do": "distil", "teacher": str(teacher), "student": student, "corpus": "@text", "precision": "float32"}
    step |= {"objectives": [{"kind": "hidden_mse", "layers": [[1, 2]]}], "probe": _probe(topics)}
    return {**step, "updates": 150, "batch": 16, "length": 32, "learning_rate": 1e-2, "dropout": False, **fields}


@pytest.fixture(scope="session")
def mistaken(learned, tmp_path_factory):
    """The model that has learnt, with the tokenizer of another: the same words by other numbers."""
    folder = tmp_path_factory.mktemp("mistaken") / "model"
    shutil.copytree(learned.model_folder, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    state = tokenizer.backend_tokenizer.to_str()
    ordinary = sorted(name for name in tokenizer.get_vocab() if name not in tokenizer.all_special_tokens)
    numbers = [tokenizer.get_vocab()[name] for name in ordinary]
    random.Random(7).shuffle(numbers)
    for name, number in zip(ordinary, numbers, strict=True):
        state = state.replace(f'"{name}":{tokenizer.get_vocab()[name]}', f'"{name}":{number}', 1)
    Tokenizer.from_str(state).save(str(folder / "tokenizer.json"))
    return folder


def test_a_model_that_learned(learned):
    """A bar that a healthy training misses ends runs for nothing."""
    found = learned.facts["frozen_probe"]
    assert found["learned"] is True
    assert found["trained"] > 0.9
    assert found["untrained"] < 0.8
    assert found["trained"] - found["untrained"] > found["ci95"][0] > 0
    assert found["before"] is None
    assert (found["texts"], found["metric"]) == (120, "F1")


def test_frequencies_by_kind_of_text_are_not_all_there_is_to_learn(learned):
    """A model that has learned languages and frequencies alone beats unigrams by far, and is no teacher."""
    beyond = learned.facts["learned_beyond_kinds"]
    assert beyond["unigram_loss"] < learned.facts["learned"]["unigram_loss"]
    assert beyond["learned"] is False
    (warning,) = learned.facts["warnings"]
    assert warning.startswith("beyond which kind of text it is (a language, say)")


def _shuffled(self, samples):
    batch = _shuffled.padded(self, samples)
    chosen = batch.labels != -100
    labels = batch.labels.clone()
    labels[chosen] = batch.labels[chosen][torch.randperm(int(chosen.sum()))]
    return replace(batch, labels=labels)


_shuffled.padded = batches.TextBatches._joined


def test_shuffled_labels_stop_the_recipe(topics, learned, text, words, make_step, monkeypatch):
    """A model that was taught frequencies alone, or forgot the rest for them, is fine-tuned before anybody looks."""
    monkeypatch.setattr(batches.TextBatches, "_joined", _shuffled)
    forgetting = _going_on(topics, learned.model_folder, updates=300, learning_rate=1e-2)
    for fields in (_from_scratch(topics), forgetting):
        with pytest.raises(TrainingError, match=rf"{NOTHING} 0\.\d+ on 120 held-out texts .* set must_learn: false"):
            make_step(fields, {"@text": text, "@tok": words})


def test_a_model_that_never_moved_stops_the_recipe(topics, text, words, make_step, monkeypatch):
    """Where gradients are lost after the audit of the first update, the loss is that of a slow start."""
    monkeypatch.setattr(fitting, "step_clipped", lambda optimiser, norm, clip: None)
    with pytest.raises(TrainingError, match=NOTHING):
        make_step(_from_scratch(topics), {"@text": text, "@tok": words})


@pytest.mark.parametrize("make", [_from_scratch, _going_on, _distilled])
def test_a_gradient_of_zero_stops_the_recipe(make, topics, learned, text, words, make_step, monkeypatch):
    """It is found at the first update, before anything is paid for."""

    def nothing(loss, micro, dtype, update, progress):
        terms = backward(loss, micro, dtype, update, progress)
        for parameter in weights:
            if parameter.grad is not None:
                parameter.grad.zero_()
        return terms

    backward, make_optimiser, weights = fitting._backward, fitting.make_optimiser, []

    def remembered(model, config):
        weights.extend(model.parameters())
        return make_optimiser(model, config)

    monkeypatch.setattr(fitting, "_backward", nothing)
    monkeypatch.setattr(fitting, "make_optimiser", remembered)
    fields = make(topics) if make is _from_scratch else make(topics, learned.model_folder)
    with pytest.raises(TrainingError, match="with a gradient that is zero everywhere"):
        make_step(fields, {"@text": text, "@tok": words})


def test_a_training_that_changes_nothing_stops_the_recipe(topics, learned, text, make_step, monkeypatch):
    """A student cut from a good teacher passes every test of its worth, untouched as it is."""
    for fields in (_going_on(topics, learned.model_folder), _distilled(topics, learned.model_folder)):
        with pytest.raises(TrainingError, match="before this step, whose vectors it left as they were"):
            make_step({**fields, "learning_rate": 1e-12}, {"@text": text})


def test_a_wrong_tokenizer_stops_the_recipe(topics, mistaken, text, make_step):
    """Words by another vocabulary's numbers are words all the same, and the loss falls as they are learnt anew."""
    for fields in (_going_on(topics, mistaken), _distilled(topics, mistaken, updates=40)):
        with pytest.raises(TrainingError, match=NOTHING):
            make_step(fields, {"@text": text})


def test_a_tokenizer_of_another_script_stops_the_recipe(topics, text, make_step, tmp_path):
    """Of a text that is unknown from end to end nothing can be learnt, and a from-scratch model has no other clue."""
    path = tmp_path / "greek.txt"
    path.write_text("\n".join(["τα νερα της θαλασσας ειναι βαθια και κρυα"] * 50) + "\n", "utf-8")
    source = {"kind": "text", "path": str(path), "documents": "line"}
    greek = make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0}})
    fields = {"do": "tokenizer", "corpus": "@text", "family": "wordpiece", "vocabulary": 60}
    tokens = make_step(fields, {"@text": greek})
    with pytest.raises(DataError, match="Use a tokenizer that knows the text's language"):
        make_step(_from_scratch(topics), {"@text": text, "@tok": tokens})


def test_a_distillation_that_learned(topics, learned, text, make_step):
    """What the student was worth before is said too: it came from a teacher."""
    heard = Heard()
    made = make_step(_distilled(topics, learned.model_folder), {"@text": text}, heard)
    found = made.facts["frozen_probe"]
    assert found["learned"] is True
    assert found["before"] > found["untrained"]
    assert any(line.startswith("this model learned: a linear classifier") for line in heard.lines)


@pytest.mark.slow
def test_shuffled_answers_of_a_teacher(topics, learned, text, make_step, monkeypatch):
    """A student of answers to other texts learns their mean, and its loss falls."""
    call = Online.__call__

    def shuffled(self, batch, needs):
        outputs = call(self, batch, needs)
        order = torch.randperm(len(batch.input_ids))
        outputs.hidden = {layer: hidden[order] for layer, hidden in outputs.hidden.items()}
        if outputs.logits is not None:
            outputs.logits = outputs.logits[torch.randperm(len(outputs.logits))]
        return outputs

    monkeypatch.setattr(Online, "__call__", shuffled)
    fields = _distilled(topics, learned.model_folder, updates=300)
    with pytest.raises(TrainingError, match=NOTHING):
        make_step({**fields, "objectives": [{"kind": "soft_labels"}]}, {"@text": text})
    kept = make_step(fields, {"@text": text})
    assert kept.facts["warnings"][-1].startswith("this step made its model worth less to a task: a linear classifier")


def test_the_plan_says_what_is_tried(topics):
    """Minutes that the plan knows nothing of are taken for a hang; data without an answer should cost none."""
    inputs = {
        "@text": Outline(makes="corpus", tokens=4_000.0, documents=250),
        "@tok": Outline(makes="tokenizer", vocabulary=200),
    }
    outline = pretrain.outline(PretrainStep.parse(_from_scratch(topics), "s"), inputs)
    assert outline.notes[-1].startswith("afterwards its frozen encoder is tried on at most 1,500 texts of ")
    bad = _from_scratch(topics, {"data": {"kind": "iob", "train": str(topics / "text.txt")}})
    with pytest.raises(DataError):
        pretrain.outline(PretrainStep.parse(bad, "s"), inputs)
    step = PretrainStep.parse(_from_scratch(topics), "s")
    assert step.outside()["probe"] != PretrainStep.parse(bad, "s").outside()["probe"]


def test_classes_of_texts(topics, learned, text, make_step, tmp_path):
    """A language without tagged text has labelled texts, and the mean over a text is what they are judged by."""
    for name in ("train", "dev"):
        sentences = (topics / f"{name}.iob").read_text("utf-8").strip().split("\n\n")
        rows = [[line.split("\t") for line in sentence.split("\n")] for sentence in sentences]
        lines = [f"{' '.join(word for word, _ in row)}\t{'sea' if row[0][1] == 'B-SEA' else 'land'}" for row in rows]
        (tmp_path / f"{name}.tsv").write_text("\n".join(["text\tlabel", *lines]) + "\n", "utf-8")
    data = {"kind": "table", "train": str(tmp_path / "train.tsv"), "dev": str(tmp_path / "dev.tsv")}
    made = make_step(_going_on(topics, learned.model_folder, probe={"data": data}), {"@text": text})
    found = made.facts["frozen_probe"]
    assert (found["learned"], found["metric"], found["texts"]) == (True, "accuracy", 120)
    assert found["trained"] > 0.9 > found["untrained"]


def test_a_task_without_classes_is_refused(topics, tmp_path):
    """A linear classifier has no answer to a question, and the plan is the place to hear of it."""
    qas = [{"id": "1", "question": "what?", "answers": [{"text": "sea", "answer_start": 4}]}]
    articles = [{"title": str(n), "paragraphs": [{"context": f"the sea {n}", "qas": qas}]} for n in range(9)]
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"data": articles}), "utf-8")
    step = PretrainStep.parse(_from_scratch(topics, {"data": {"kind": "squad", "train": str(path)}}), "s")
    inputs = {"@text": Outline(makes="corpus"), "@tok": Outline(makes="tokenizer", vocabulary=200)}
    with pytest.raises(RecipeError, match="the answers to data of kind squad are no classes; give it data with tags"):
        pretrain.outline(step, inputs)


def test_a_frozen_encoder_is_not_tried(topics, learned):
    """It would be found unchanged, as it was meant to be."""
    with pytest.raises(RecipeError, match="freeze_encoder keeps the encoder as it is, and a probe tries nothing else"):
        PretrainStep.parse(_going_on(topics, learned.model_folder, freeze_encoder=True), "s")


def test_a_model_kept_all_the_same_comes_with_a_warning(topics, text, words, make_step):
    """A trial of three updates must be possible, and must not pass for a model."""
    heard = Heard()
    fields = _from_scratch(topics, {"must_learn": False}, updates=3)
    made = make_step(fields, {"@text": text, "@tok": words}, heard)
    assert made.facts["frozen_probe"]["learned"] is False
    assert made.facts["warnings"][-1].startswith(NOTHING)
    assert any(line.startswith(f"warning: {NOTHING}") for line in heard.lines)
