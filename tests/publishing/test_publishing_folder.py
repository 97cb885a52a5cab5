import hashlib

import pytest

from limbeck.errors import ModelError, RecipeError
from limbeck.publishing.folder import check_folder, check_name, check_private, inventory, listing, without_places


@pytest.mark.parametrize("name", ["model", "a/b/c", "a//b", "/b", "a/", "a/b c", "-a/b", "a/b--c", "a/b.git", "å/b"])
def test_a_name_that_the_hub_refuses_is_refused_here(name):
    """Found by the Hub, it is found after a day of training."""
    with pytest.raises(ValueError, match="is OWNER/NAME"):
        check_name(name)
    assert check_name("KB-lab/bert_sv.v2") == "KB-lab/bert_sv.v2"


def test_the_inventory_is_exact(folder):
    """What is published cannot be taken back."""
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("x")
    (folder / "engine.json").write_text("{}")
    items = inventory(folder)
    assert [item.path for item in items] == ["README.md", "config.json", "model.safetensors", "onnx/model.onnx"]
    weights = items[2]
    assert (weights.bytes, weights.sha256) == (5000, hashlib.sha256(b"w" * 5000).hexdigest())
    assert weights.sha256 in listing(items)
    assert listing(items).endswith("bytes in 4 files")


BROKEN = {
    "config.json": (None, ModelError, "has no config.json"),
    "README.md": (None, ModelError, "has no README.md"),
    "README.md ": ("# A model\n", ModelError, "has no front matter"),
    "README.md  ": ("---\nlicense: mit\n---\n", RecipeError, "names no language"),
    "README.md   ": ("---\nlanguage: sv\n---\n", RecipeError, "names no license"),
    "recipe.yaml": ("path: /home/ann/text.txt", ModelError, r"a place on this machine, /home/ann/text\.txt"),
    "tokenizer_config.json": ('{"x": "hf_' + "a" * 30 + '"}', ModelError, "a token of the Hub; take it out"),
}


@pytest.mark.parametrize("file", BROKEN)
def test_a_folder_that_should_not_be_seen_is_refused(file, folder):
    """A home folder's name, a token or a missing license cannot be unpublished."""
    text, kind, sentence = BROKEN[file]
    path = folder / file.strip()
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with pytest.raises(kind, match=sentence):
        check_folder(folder)


@pytest.mark.parametrize(
    "text",
    ["see https://example.org/home/ann and data/sv/*.txt", "2/3 of a/b", "`package:module/model`", "and/or /", "a:/b"],
)
def test_addresses_and_fractions_are_no_places(text):
    """A check that refuses too much is switched off."""
    check_private(text, "a card")


@pytest.mark.parametrize("text", ["in /home/ann/x", "`~/models`", "C:\\Users\\Ann\\x", "(/tmp/x)", '"/work/data"'])
def test_places_are_found_however_they_stand(text):
    """One that slips through tells who the maker is."""
    with pytest.raises(ModelError, match="tells a place on this machine"):
        check_private(text, "a card")


def test_places_are_cut_down_to_names():
    """A recipe that nobody can share is not published."""
    given = {"a": ["/home/ann/text.txt", "data/x.txt"], "b": {"c": "~/models/m/", "d": "../up/y"}, "e": 1, "f": "@x"}
    assert without_places(given) == {"a": ["text.txt", "data/x.txt"], "b": {"c": "m", "d": "y"}, "e": 1, "f": "@x"}
