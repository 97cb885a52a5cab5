"""The recipes of published systems at full size, planned with the Hub stubbed: true shapes, no weights, no data."""

import json

import pytest

from limbeck.pipeline import planning
from limbeck.pipeline.planning import plan
from limbeck.pipeline.recipe import load_recipe
from limbeck.pipeline.templates import read_template, template_names, write_template

_BASE = {"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
_BASE |= {"intermediate_size": 3072, "max_position_embeddings": 512, "type_vocab_size": 2}
_TINY = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512}
HUB = {
    "google-bert/bert-base-multilingual-cased": {**_BASE, "vocab_size": 119_547, "architectures": ["BertForMaskedLM"]},
    "google-bert/bert-base-cased": {**_BASE, "vocab_size": 28_996, "architectures": ["BertForMaskedLM"]},
    "google/bert_uncased_L-2_H-128_A-2": {**_BASE, **_TINY, "vocab_size": 30_522},
    "allegro/herbert-base-cased@refs/pr/2": {
        **_BASE,
        "vocab_size": 50_000,
        "max_position_embeddings": 514,
        "pad_token_id": 1,
        "architectures": ["BertModel"],
    },
}
"""What config.json says of each model that a recipe names."""
PUBLISHED = {
    "swedish-mbert": (134_000_000, 136_000_000),
    "lightmbert": (134_000_000, 136_000_000),
    "distilherbert": (80_000_000, 83_000_000),
    "distilbert-squad": (65_000_000, 67_000_000),
    "olm-bert-tiny": (4_300_000, 4_500_000),
    "swedish-small": (33_000_000, 34_000_000),
}
"""Parameters of what each makes, without heads: what is published, or what the header says."""
MADE_BY = {"olm-bert-tiny": "tiny"}
"""The step that makes it, where that is not `student`."""
COMMIT = "a" * 40


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the Hub that has the configurations, and no connection."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    for name, config in HUB.items():
        id, _, revision = name.partition("@")
        repository = tmp_path / "hub" / f"models--{id.replace('/', '--')}"
        ref = repository / "refs" / (revision or "main")
        ref.parent.mkdir(parents=True)
        ref.write_text(COMMIT)
        (repository / "snapshots" / COMMIT).mkdir(parents=True)
        (repository / "snapshots" / COMMIT / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_system_can_be_planned(name, hub, tmp_path, monkeypatch):
    """A recipe of a hundred hours that is refused on the machine that was rented for it."""
    monkeypatch.setattr(planning, "_measured", lambda planned, *_: planned)  # a model of that size, on a processor
    path = tmp_path / f"{name}.yaml"
    path.write_text(read_template(name), "utf-8")
    steps = {step.step: step for step in plan(load_recipe(path)).steps}
    at_least, at_most = PUBLISHED[name]
    assert at_least < steps[MADE_BY.get(name, "student")].outline.parameters < at_most


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_system_is_at_hand_at_laptop_size(name, tmp_path):
    """Who has no cluster should not have to guess which numbers to divide by a thousand."""
    assert f"{name}-laptop" in template_names()
    text = read_template(name)
    for said in ("Source", "Run ", "Cost", "Expect", "Laptop"):
        assert f"\n# {said}" in text, f"{name}.yaml does not say {said}"


@pytest.mark.parametrize("name", [name for name in template_names() if name.endswith("-laptop")])
def test_a_laptop_recipe_can_be_planned_on_a_folder_of_data(name, shared_data, tmp_path, monkeypatch):
    """A misspelt path would be found after the teacher is trained; a model of the Hub is not there at all."""
    monkeypatch.setattr(planning, "_measured", lambda planned, *_: planned)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(shared_data)
    write_template(name, tmp_path / "mine.yaml")
    recipe = load_recipe(tmp_path / "mine.yaml")
    assert [step.step for step in plan(recipe).steps] == list(recipe.steps)
    assert not [source for source in _strings(recipe.resolved()) if source in HUB]


def _strings(value: object) -> list[str]:
    if isinstance(value, dict | list | tuple):
        return [
            found for inside in (value.values() if isinstance(value, dict) else value) for found in _strings(inside)
        ]
    return [value] if isinstance(value, str) else []
