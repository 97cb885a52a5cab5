import re
import shutil
import warnings
from pathlib import Path

import pytest
import yaml
from transformers import AutoModel, BertConfig, BertModel

import tiny_tokenizers
import tiny_world

DOCUMENT = Path(__file__).parent.parent / "docs" / "python.md"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with what the document speaks of: a recipe, a teacher, a text."""
    world = tiny_world.build(tmp_path_factory.mktemp("world"))
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(world.model, folder / "my-teacher")
    shutil.copy(world.text, folder / "text.txt")
    tokenizer = tiny_tokenizers.roberta(world.text.read_text("utf-8").splitlines(), 330)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(tokenizer), **shape)).save_pretrained(folder / "my-other-student")
    tokenizer.save_pretrained(folder / "my-other-student")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(world.recipe("student"), sort_keys=False), "utf-8")
    return folder


def test_what_the_document_shows_can_be_run(place, monkeypatch, capsys):
    """An example that fails is the first thing that a newcomer finds."""
    monkeypatch.chdir(place)
    names: dict[str, object] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.M | re.S)
    assert len(blocks) == 8
    for block in blocks:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # an example may leave closing to Python
            exec(compile(block, str(DOCUMENT), "exec"), names)
    assert AutoModel.from_pretrained("my-student", add_pooling_layer=False).config.num_hidden_layers == 2
    assert "hidden_mse" in capsys.readouterr().out
    assert names["result"].made == ["text", "small", "student"]


def test_the_example_is_short():
    """Ten lines are read; fifty are not."""
    document = DOCUMENT.read_text("utf-8")
    example = document.split("## Two models in memory")[1].split("```")[1]
    assert len([line for line in example.splitlines()[1:] if line]) <= 10
