import random
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from stage_support import Heard
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertForPreTraining

from limbeck.corpora import batches
from limbeck.errors import RecipeError, TrainingError
from limbeck.outlines import Outline
from limbeck.stages import pretrain
from limbeck.stages.pretrain import PretrainStep
from tiny_world import WORDS

SHAPE = {
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.1,
}
COUPLES = [*zip(WORDS[:60:2], WORDS[1:60:2], strict=True)]


@pytest.fixture(scope="session")
def couples(tmp_path_factory, make_step):
    """A corpus in which every word has a neighbour that it never goes without, in no order otherwise."""
    random_ = random.Random(4)
    path = tmp_path_factory.mktemp("couples") / "couples.txt"
    lines = [" ".join(word for couple in random_.choices(COUPLES, k=7) for word in couple) for _ in range(600)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    source = {"kind": "text", "path": str(path), "documents": "line"}
    return make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0.2}})


@pytest.fixture(scope="session")
def tokens(couples, make_step):
    """Its tokenizer."""
    return make_step(
        {"do": "tokenizer", "corpus": "@text", "family": "wordpiece", "vocabulary": 200}, {"@text": couples}
    )


def _step(**fields):
    model = {"shape": SHAPE, "tokenizer": "@tok", **fields.pop("model", {})}
    return {"do": "pretrain", "model": model, "corpus": "@text", "updates": 3, "batch": 16, "length": 32} | {
        "precision": "float32",
        **fields,
    }


LEARNING = {"updates": 250, "learning_rate": 1e-2, "dropout": False}


def test_a_model_from_scratch_learns(couples, tokens, make_step):
    """The step that the whole of a language without a teacher rests on."""
    heard = Heard()
    made = make_step(_step(**LEARNING), {"@text": couples, "@tok": tokens}, heard)
    learned = made.facts["learned"]
    assert learned["learned"] is True
    assert learned["loss"] < learned["unigram_loss"] - 0.3
    assert made.facts["warnings"] == []
    assert made.facts["learned_beyond_kinds"]["learned"] is True
    assert any(line.startswith("this model learned: at ") for line in heard.lines)
    model, tokenizer = (auto.from_pretrained(made.model_folder) for auto in (AutoModelForMaskedLM, AutoTokenizer))
    assert model.config.vocab_size == len(tokenizer) == tokens.facts["vocabulary"]
    assert model.cls.predictions.decoder.weight is model.get_input_embeddings().weight


def test_a_step_too_short_to_learn_stops(couples, tokens, make_step):
    """OLM's BERT-tiny was published below its original: no check looked at it."""
    with pytest.raises(TrainingError, match=r"this model learned nothing: at \d+ masked tokens .* must_learn: false"):
        make_step(_step(), {"@text": couples, "@tok": tokens})


def test_a_model_kept_all_the_same_comes_with_a_warning(couples, tokens, make_step):
    """A trial of three updates must be possible, and must not pass for a model."""
    heard = Heard()
    made = make_step(_step(model={"must_learn": False}), {"@text": couples, "@tok": tokens}, heard)
    assert made.facts["learned"]["learned"] is False
    assert made.facts["warnings"][0].startswith("this model learned nothing: at ")
    assert any(line.startswith("warning: this model learned nothing") for line in heard.lines)


def test_shuffled_labels_stop_the_step(couples, tokens, make_step, monkeypatch):
    """Labels that belong to other positions still have the right frequencies: the loss falls, and nothing is learnt."""
    padded = batches.TextBatches.padded

    def shuffled(self, samples):
        batch = padded(self, samples)
        chosen = batch.labels != -100
        labels = batch.labels.clone()
        labels[chosen] = batch.labels[chosen][torch.randperm(int(chosen.sum()))]
        return replace(batch, labels=labels)

    monkeypatch.setattr(batches.TextBatches, "padded", shuffled)
    with pytest.raises(TrainingError, match="this model learned nothing"):
        make_step(_step(**LEARNING), {"@text": couples, "@tok": tokens})


def test_a_text_of_words_in_no_order_stops_the_step(text, make_step):
    """A corpus whose lines were mixed up word by word teaches frequencies alone."""
    fields = {"do": "tokenizer", "corpus": "@text", "family": "wordpiece", "vocabulary": 600}
    words = make_step(fields, {"@text": text})
    with pytest.raises(TrainingError, match="this model learned nothing"):
        make_step(_step(updates=60, learning_rate=5e-3), {"@text": text, "@tok": words})


def test_the_same_seed_gives_the_same_bytes(couples, tokens, make_step):
    """Weights that depend on what ran before cannot be made again."""
    inputs = {"@text": couples, "@tok": tokens}
    fields = _step(model={"must_learn": False})
    one, two, other = (make_step({**fields, "seed": seed}, inputs) for seed in (1, 1, 2))
    weights = "model/model.safetensors"
    assert one.manifest.files[weights] == two.manifest.files[weights] != other.manifest.files[weights]


def test_both_heads_of_pretraining(stories, make_step):
    """BERT's own training had both; plain transformers has to load what comes out, without a weight made up."""
    tok = make_step(
        {"do": "tokenizer", "corpus": "@text", "family": "wordpiece", "vocabulary": 300}, {"@text": stories}
    )
    fields = _step(model={"must_learn": False}, next_sentence=True, length=64)
    made = make_step(fields, {"@text": stories, "@tok": tok})
    model, found = BertForPreTraining.from_pretrained(made.model_folder, output_loading_info=True)
    assert not found["missing_keys"]
    assert model.config.architectures == ["BertForPreTraining"]


def test_a_roberta_with_bytes(couples, make_step):
    """A RoBERTa numbers its positions from its padding token, which is the tokenizer's."""
    fields = {"do": "tokenizer", "corpus": "@text", "family": "byte_bpe", "vocabulary": 400}
    tok = make_step(fields, {"@text": couples})
    made = make_step(_step(model={"must_learn": False, "family": "roberta"}), {"@text": couples, "@tok": tok})
    model = AutoModelForMaskedLM.from_pretrained(made.model_folder)
    assert (model.config.model_type, model.config.pad_token_id) == ("roberta", 1)
    assert model.config.max_position_embeddings == 514


def test_the_tokenizer_of_a_model(tiny, text, make_step):
    """A student of another shape may have the teacher's words."""
    fields = _step(model={"tokenizer": str(tiny.model), "shape": "bert-tiny", "must_learn": False})
    made = make_step(fields, {"@text": text})
    assert load_file(made.model_folder / "model.safetensors")["bert.embeddings.word_embeddings.weight"].shape[1] == 128
    step = PretrainStep.parse(fields, "s")
    assert len(step.outside()) == 1
    outline = pretrain.outline(step, {"@text": Outline(makes="corpus", tokens=4_000.0, documents=250)})
    assert outline.parameters == made.facts["parameters"]
    assert outline.notes[0] == f"from scratch: bert-tiny, the tokenizer of {tiny.model}, weights drawn with seed 0"
    assert not any("head is made" in note for note in outline.notes)


def test_outline_before_the_tokenizer_is_there():
    """A plan has to tell the size of a model whose words are not counted yet."""
    inputs = {
        "@text": Outline(makes="corpus", tokens=4_000.0, documents=250),
        "@tok": Outline(makes="tokenizer", vocabulary=30_522, at_most=True),
    }
    step = PretrainStep.parse(_step(model={"shape": "bert-tiny"}, next_sentence=True), "s")
    outline = pretrain.outline(step, inputs)
    assert outline.model["vocab_size"] == 30_522
    assert outline.model["architectures"] == ["BertForPreTraining"]
    assert pretrain.preview(step, {}) == "a sample of the masked text comes with @text"
    assert pretrain.rehearse(PretrainStep.parse(_step(), "s"), inputs) > 0


@pytest.mark.parametrize("field", ["freeze_encoder", "freeze_layers"])
def test_layers_that_know_nothing_are_not_frozen(field):
    """A head over random layers that never change learns nothing worth a step."""
    with pytest.raises(RecipeError, match=f"{field} keeps layers as they are, and a new model's have learnt"):
        PretrainStep.parse(_step(**{field: True}), "s")


def test_without_held_out_text_nothing_is_shown(tiny, make_step):
    """A check that cannot be made is said, not passed in silence."""
    source = {"kind": "text", "path": str(tiny.text), "documents": "line"}
    whole = make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0}})
    heard = Heard()
    made = make_step(_step(model={"tokenizer": str(tiny.model)}), {"@text": whole}, heard)
    assert "learned" not in made.facts
    assert any("no masked token of held-out text" in line for line in heard.lines)


@pytest.mark.slow
def test_real_text_is_learnt(shared_data, make_step):
    """Made-up text is easy; that a model from scratch learns a language is shown on one."""
    source = {"kind": "text", "path": str(shared_data / "text" / "sv_sfs.txt.gz")}
    text = make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0.1}})
    fields = {"do": "tokenizer", "corpus": "@text", "family": "wordpiece", "vocabulary": 250, "characters": 60}
    tok = make_step(fields, {"@text": text})
    training = {"updates": 500, "learning_rate": 2e-3, "betas": [0.9, 0.98], "dropout": False}
    made = make_step(_step(model={"shape": "bert-tiny"}, **training), {"@text": text, "@tok": tok})
    assert made.facts["learned"]["gain"] > 0.08
