import pytest

from limbeck.errors import RecipeError
from limbeck.pipeline.recipe import parse_recipe
from limbeck.pipeline.references import needed_for

TEXT = {"do": "corpus", "sources": [{"kind": "text", "path": "a.txt"}]}


def _shrink(model):
    return {"do": "shrink", "model": model, "layers": {"keep": 1}}


def _pretrain(model, corpus):
    return {"do": "pretrain", "model": model, "corpus": corpus, "updates": 1}


def _finetune(model, **fields):
    data = {"kind": "iob", "train": "a.iob"}
    return {"do": "finetune", "model": model, "data": data, **fields}


def _refused(**steps):
    with pytest.raises(RecipeError) as refused:
        parse_recipe({"name": "x", "steps": steps})
    return str(refused.value)


def test_sound_references_pass():
    """A check that refuses a good recipe stops everything."""
    steps = {
        "text": TEXT,
        "small": _shrink("org/model"),
        "control": _pretrain("@small", "@text"),
        "tags": _finetune("@control", teacher={"kind": "online", "model": "@small"}),
        "scores": {"do": "evaluate", "models": {"control": "@tags"}},
        "speed": {"do": "benchmark", "models": {"a": "@tags", "b": "org/model"}},
        "bound": {"do": "gate", "scores": "@scores", "minimum_score": 0.1, "speed": "@speed"},
        "ship": {"do": "export", "model": "@tags", "corpus": "@text"},
    }
    recipe = parse_recipe({"name": "x", "steps": steps})
    assert needed_for(recipe.steps, "scores") == {"text", "small", "control", "tags", "scores"}
    assert needed_for(recipe.steps, "text") == {"text"}


def test_a_reference_to_nothing():
    """A misspelt reference found after an hour of corpus work costs the hour."""
    found = _refused(text=TEXT, control=_pretrain("org/model", "@txet"))
    assert found == 'recipe.steps.control: @txet refers to no step of this recipe; did you mean "text"?'


def test_a_reference_forward():
    """Steps run in the order in which they stand."""
    found = _refused(control=_pretrain("org/model", "@text"), text=TEXT)
    assert found == "recipe.steps.control: @text comes later in the recipe; move text above control"


@pytest.mark.parametrize(
    ("steps", "cycle"),
    [
        ({"a": _shrink("@a")}, "a -> a"),
        ({"a": _shrink("@b"), "b": _shrink("@a")}, "a -> b -> a"),
        ({"a": _shrink("@c"), "b": _shrink("@a"), "c": _shrink("@b")}, "a -> c -> b -> a"),
    ],
)
def test_a_cycle(steps, cycle):
    """To be told to move a step, of two that each need the other, does not help."""
    assert f"recipe.steps.a: the references form a cycle: {cycle}" in _refused(**steps)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({"text": TEXT, "a": _shrink("@text")}, "@text is a corpus, and what is needed there is a model or"),
        ({"m": _shrink("org/m"), "a": _pretrain("org/m", "@m")}, "@m is a model, and what is needed there is a corpus"),
        (
            {"m": _shrink("org/m"), "a": {"do": "evaluate", "models": {"student": "@m"}}},
            "@m is a model, and what is needed there is fine-tuned models",
        ),
        (
            {"f": _finetune("org/m"), "a": {"do": "gate", "scores": "@f", "retention": 0.9}},
            "@f is fine-tuned models, and what is needed there is the scores of an evaluate step",
        ),
        ({"text": TEXT, "a": _finetune("org/m", teacher="@text")}, "@text is a corpus"),
        (
            {"f": _finetune("org/m"), "a": _finetune("org/m", data={"kind": "annotated_corpus", "corpus": "@f"})},
            "@f is fine-tuned models, and what is needed there is a corpus",
        ),
    ],
)
def test_a_reference_to_another_kind_of_thing(steps, message):
    """A corpus loaded as a model fails with a message about a missing config.json."""
    assert f"recipe.steps.a: {message}" in _refused(**steps)


def test_a_name_where_a_reference_belongs():
    """A forgotten @ should not be taken for a Hub id."""
    found = _refused(text=TEXT, control=_pretrain("org/model", "text"))
    assert found == "recipe.steps.control.corpus: 'text' should refer to an earlier step, as in \"@name\""


def test_every_bad_reference_is_told():
    """One problem a run makes correcting a recipe a matter of patience."""
    found = _refused(a=_shrink("@b"), c=_pretrain("@d", "@a"))
    assert len(found.splitlines()) == 3
