import pytest
import yaml

from limbeck.errors import RecipeError
from limbeck.pipeline.recipe import load_recipe
from limbeck.pipeline.templates import read_template, template_names, write_template


def test_the_quickstart_is_there():
    """It is what `limbeck init` writes when nothing is said."""
    assert "quickstart" in template_names()


@pytest.mark.parametrize("name", template_names())
def test_every_recipe_that_comes_along_parses(name, tmp_path):
    """A recipe that a newcomer copies and that does not even load is the end of it."""
    path = tmp_path / "mine.yaml"
    write_template(name, path)
    assert load_recipe(path).steps


def test_an_overlay_comes_with_its_base(tmp_path):
    """A recipe laid over one that is not there cannot be read; one that is there may have been edited."""
    names = [path.name for path in write_template("ner-swedish", tmp_path / "mine.yaml")]
    assert names == ["mine.yaml", "quickstart.yaml"]
    (tmp_path / "quickstart.yaml").write_text("edited")
    assert write_template("ner-polish", tmp_path / "other.yaml") == [tmp_path / "other.yaml"]
    assert (tmp_path / "quickstart.yaml").read_text() == "edited"


def test_an_overlay_comes_with_all_its_bases(tmp_path):
    """Of two bases, one that stays behind is half a recipe."""
    names = [path.name for path in write_template("swedish-mbert-laptop", tmp_path / "mine.yaml")]
    assert names == ["mine.yaml", "multilingual-laptop.yaml", "swedish-mbert.yaml"]


def test_a_base_that_is_there_already_is_no_obstacle(tmp_path):
    """Two overlays of one base stand in one folder."""
    write_template("quickstart", tmp_path / "quickstart.yaml")
    write_template("ner-english", tmp_path / "ner-english.yaml")
    assert load_recipe(tmp_path / "ner-english.yaml").name == "ner-english"


@pytest.mark.parametrize("name", template_names())
def test_every_recipe_that_comes_along_is_explained(name):
    """What it makes, what it costs: a reader should know before a day is spent."""
    text = read_template(name)
    assert text.startswith("# ")
    assert yaml.safe_load(text).get("description") or yaml.safe_load(text).get("base")


def test_a_misspelt_template():
    """The list is short enough to guess from."""
    with pytest.raises(RecipeError, match='there is no template "quikstart"; did you mean "quickstart"'):
        read_template("quikstart")
