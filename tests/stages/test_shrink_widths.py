import pytest
from stage_support import Heard, step_of
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from limbeck.errors import RecipeError
from limbeck.outlines import Outline
from limbeck.stages import shrink

NARROW = {"width": 16, "feed_forward": "half", "importance": {"corpus": "@text", "sequences": 40, "length": 32}}


def _step(model, **fields):
    return {"do": "shrink", "model": str(model), **NARROW, **fields}


def _forecast(fields):
    return shrink.outline(step_of(fields), {"@text": Outline(makes="corpus")})


def test_the_outline_is_what_is_made(tiny, text, make_step):
    """A plan that promises another size than the run makes is worse than none."""
    fields = _step(tiny.model, layers={"keep": 2}, **{"as": "distilbert"})
    forecast, heard = _forecast(fields), Heard()
    made = make_step(fields, {"@text": text}, heard)
    assert forecast.notes[1].endswith(
        "(1 of 2 heads), 64 feed-forward units become 32, by importance (activation) on 40 sequences"
    )
    assert forecast.parameters == made.facts["parameters"]
    assert {name: made.facts[name] for name in ("width", "heads", "feed_forward")} == {
        "width": 16,
        "heads": 1,
        "feed_forward": 32,
    }
    assert made.facts["importance"]["by"] == "activation"
    assert made.facts["importance"]["sequences"] == 40
    model = AutoModel.from_pretrained(made.model_folder)
    assert type(model).__name__ == "DistilBertModel"
    assert sum(parameter.numel() for parameter in model.parameters()) == forecast.parameters
    assert (model.config.dim, model.config.n_heads, model.config.hidden_dim, model.config.n_layers) == (16, 1, 32, 2)
    assert AutoTokenizer.from_pretrained(made.model_folder)("the river")["input_ids"]
    assert any(line.startswith("importance kept, by activation on 40 sequences") for line in heard.lines)


def test_a_model_that_fills_masks_is_judged_by_its_loss(folder_of_masks, text, make_step):
    """And goes on filling masks: its head is cut along."""
    made = make_step(_step(folder_of_masks), {"@text": text})
    assert made.facts["importance"]["by"] == "gradient"
    model, found = AutoModelForMaskedLM.from_pretrained(made.model_folder, output_loading_info=True)
    assert not found["missing_keys"]
    assert model.config.hidden_size == 16
    again = make_step(_step(folder_of_masks), {"@text": text})
    names = ("model.safetensors", "config.json")
    assert all((again.model_folder / n).read_bytes() == (made.model_folder / n).read_bytes() for n in names)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 20}, r"width: heads keep their size of 16, .*; found 20, the nearest possible: 16 and 32"),
        ({"embeddings": 8}, r'only in an ELECTRA or .*; found a model of type "bert"'),
        ({"importance": {"corpus": "@text", "by": "gradient"}}, r"this model has no masked-LM head; leave out"),
    ],
)
def test_what_cannot_be_is_refused_in_the_plan(tiny, fields, message):
    """The plan is where a recipe's mistakes cost nothing."""
    with pytest.raises(RecipeError, match=message):
        _forecast(_step(tiny.model, **fields))
