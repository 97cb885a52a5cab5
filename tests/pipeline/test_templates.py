import pytest
import yaml

from limbeck.errors import RecipeError
from limbeck.pipeline.recipe import load_recipe
from limbeck.pipeline.templates import read_template, template_names


def test_the_quickstart_is_there():
    """It is what `limbeck init` writes when nothing is said."""
    assert "quickstart" in template_names()


@pytest.mark.parametrize("name", template_names())
def test_every_recipe_that_comes_along_parses(name, tmp_path):
    """A recipe that a newcomer copies and that does not even load is the end of it."""
    path = tmp_path / f"{name}.yaml"
    path.write_text(read_template(name), "utf-8")
    assert load_recipe(path).steps


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
