"""An ALBERT through every step: one layer that is applied four times, embeddings of half its width, Unigram tokens."""

import json

import pytest
import torch
from stage_support import TASK, Heard, step_of
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForTokenClassification, AutoTokenizer

import tiny_tokenizers
from limbeck.benchmarks import memory
from limbeck.errors import ModelError
from limbeck.models.counting import count
from limbeck.models.loading import load_config, load_model, load_tokenizer, save_model
from limbeck.outlines import Outline
from limbeck.stages import distil, shrink
from tiny_encoders import model_of

CORPUS = {"@text": Outline(makes="corpus", tokens=4_000.0, documents=250)}
TRAINING = {"corpus": "@text", "updates": 40, "batch": 8, "length": 32, "learning_rate": 2e-3, "precision": "float32"}


@pytest.fixture(scope="module")
def albert(tiny, tmp_path_factory):
    """A folder with the model, which fills masks, and a tokenizer of its kind."""
    folder = tmp_path_factory.mktemp("albert")
    texts = [*tiny.text.read_text("utf-8").splitlines(), *tiny.train.read_text("utf-8").split()]
    tokenizer = tiny_tokenizers.albert(texts, 250)
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos")}
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 32, "embedding_size": 16, "intermediate_size": 64}
    model = model_of("albert", "ForMaskedLM", **sizes, max_position_embeddings=64, initializer_range=0.1, **ids)
    save_model(model, tokenizer, folder)
    return str(folder)


def test_it_is_cut_in_every_direction(albert, text, make_step):
    """Fewer applications, narrower layers, narrower embeddings, fewer tokens: and anyone can load what is left."""
    fields = {"do": "shrink", "model": albert, "layers": {"keep": 2}, "width": 16, "feed_forward": "half"}
    fields |= {"embeddings": 8, "importance": {"corpus": "@text", "sequences": 40, "length": 32}}
    fields |= {"vocabulary": {"corpus": "@text", "keep_coverage": 0.9}}
    heard, before = Heard(), load_config(albert)
    forecast, made = shrink.outline(step_of(fields), CORPUS), make_step(fields, {"@text": text}, heard)
    small, told = AutoModelForMaskedLM.from_pretrained(made.model_folder, output_loading_info=True)
    assert not any(told.values())
    config = small.config
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (2, 16, 1)
    assert (config.embedding_size, config.intermediate_size) == (8, 32)
    assert config.vocab_size == len(AutoTokenizer.from_pretrained(made.model_folder)) < before.vocab_size
    assert made.facts["parameters"] == count(small).total <= forecast.parameters < count(before).total
    assert made.facts["importance"]["by"] == "gradient"
    assert made.facts["layers"] == [1, 2]
    with torch.inference_mode():
        encoded = load_tokenizer(str(made.model_folder))("the river", return_tensors="pt")
        expected = load_model(str(made.model_folder))(**encoded).logits
        torch.testing.assert_close(small.eval()(**encoded).logits, expected)


@pytest.mark.parametrize("rule", ["top", "spread", "uniform"])
def test_there_is_no_layer_to_choose(albert, rule):
    """A recipe that names the top layers would be believed to have kept them."""
    fields = {"do": "shrink", "model": albert, "layers": {"keep": 2, "from": rule}}
    with pytest.raises(ModelError, match=r"albert applies one layer 4 times, .*as in layers: {keep: 2}"):
        shrink.outline(step_of(fields), {})


def test_it_teaches_one_that_is_applied_less_often(albert, text, make_step):
    """A teacher whose layers cannot be told apart would be matched to its first one throughout."""
    relations = [{"kind": "relation_kl", "of": of, "layers": [[2, 4]]} for of in ("queries", "keys", "values")]
    objectives = [{"kind": "hidden_mse"}, {"kind": "soft_labels"}, {"kind": "mlm"}, *relations]
    fields = {"do": "distil", "teacher": albert, "student": {"layers": {"keep": "half"}}, "objectives": objectives}
    fields |= TRAINING
    made = make_step(fields, {"@text": text})
    forecast = distil.outline(step_of(fields), CORPUS)
    assert made.facts["flops"] / made.facts["tokens"] == pytest.approx(forecast.flops / forecast.tokens, rel=0.05)
    assert forecast.parameters == made.facts["parameters"]
    student = AutoModelForMaskedLM.from_pretrained(made.model_folder)
    assert student.config.num_hidden_layers == 2
    first, last = (_held_out(made.folder, which) for which in (0, -1))
    assert last < 0.9 * first


def _held_out(folder, which):
    rows = [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]
    return [row["held_out"] for row in rows if "held_out" in row][which]


def test_it_learns_from_a_teacher_of_another_family(albert, text, make_step, tmp_path):
    """A student of few parameters is what an ALBERT is for; its teacher need not be one."""
    tokenizer = load_tokenizer(albert)
    teacher = model_of("bert", "ForMaskedLM", vocab_size=len(tokenizer), hidden_size=48, max_position_embeddings=64)
    save_model(teacher, tokenizer, tmp_path)
    objectives = [{"kind": "hidden_mse", "layers": "uniform", "projection": "linear"}, {"kind": "soft_labels"}]
    fields = {"do": "distil", "teacher": str(tmp_path), "student": albert, "objectives": objectives, **TRAINING}
    made = make_step(fields, {"@text": text})
    first, last = (_held_out(made.folder, which) for which in (0, -1))
    assert last < first
    assert type(AutoModel.from_pretrained(made.model_folder, add_pooling_layer=False)).__name__ == "AlbertModel"


@pytest.mark.slow
def test_it_is_fine_tuned_exported_and_timed(albert, tiny, text, make_step, monkeypatch):
    """A family that a later step does not know is found out after the training."""
    monkeypatch.setattr(memory, "peak_memory", lambda folders, tokens: [1000 for _ in folders])
    task = {"do": "finetune", "data": tiny.data, "model": albert, **TASK, "updates": 10}
    tagger = make_step(task)
    taught = make_step({**task, "teacher": "@t"}, {"@t": tagger})
    assert AutoModelForTokenClassification.from_pretrained(taught.model_folder).config.model_type == "albert"
    shipped = make_step({"do": "export", "model": "@s", "corpus": "@text", "texts": 20}, {"@s": taught, "@text": text})
    assert (shipped.model_folder / "onnx" / "model.onnx").is_file()
    quick = {"lengths": [16], "batches": [1], "rounds": 3, "seconds": 0.5, "mixed": False}
    models = {"teacher": "@t", "student": "@s"}
    speed = make_step({"do": "benchmark", "models": models, **quick}, {"@t": tagger, "@s": shipped})
    assert {row["format"] for row in speed.facts["speed"] if row["model"] == "student"} == {"pytorch", "onnx"}
    assert speed.facts["models"]["student"]["flops_per_token"] > 0
