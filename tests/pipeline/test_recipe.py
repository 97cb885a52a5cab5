import re

import pytest

from limbeck.errors import RecipeError
from limbeck.pipeline.recipe import load_recipe, parse_recipe
from tiny_world import write_recipe

BASE = """\
name: below
seed: 7
steps:
  text: {do: corpus, sources: [{kind: text, path: a.txt, documents: line}], holdout: {dev: 0.1, test: 0.2}}
  small: {do: shrink, model: org/model, layers: {keep: 3, from: bottom}}
  student: {do: distil, teacher: org/model, student: "@small", corpus: "@text", method: lightmbert, updates: 10}
"""


@pytest.fixture
def written(tmp_path):
    """Writes a recipe beside the base and reads it."""
    write_recipe(tmp_path, BASE, "below.yaml")

    def load(text, *overrides, name="above.yaml"):
        return load_recipe(write_recipe(tmp_path, text, name), overrides)

    return load


def test_an_overlay_merges_deeply(written):
    """An overlay that replaced whole steps would have to repeat them, and the copies would drift apart."""
    recipe = written("base: below.yaml\nsteps: {text: {holdout: {dev: 0.3}}, student: {updates: 2}}")
    assert recipe.steps["text"].holdout.dev == 0.3
    assert recipe.steps["text"].holdout.test == 0.2
    assert recipe.steps["student"].updates == 2
    assert recipe.steps["student"].method == "lightmbert"
    assert recipe.seed == 7


def test_an_anchor_is_laid_under(written):
    """Of twenty trainings that should differ in a seed, one that was typed wrong would pass for luck."""
    recipe = written(BASE.replace("student: {do", "student: &it {do") + "  other: {<<: *it, seed: 2, updates: 3}\n")
    student, other = recipe.steps["student"], recipe.steps["other"]
    assert other == student.model_copy(update={"seed": 2, "updates": 3})


def test_an_overlay_has_a_run_folder_of_its_own(written):
    """The small variant of a recipe must not write into the full one's folder."""
    assert written("base: below.yaml").name == "above"
    assert written("{base: below.yaml, name: other}").name == "other"


def test_null_deletes(written):
    """Without a way to take a step or a field out, an overlay can only grow."""
    recipe = written("base: below.yaml\nseed: null\nsteps: {student: null, text: {holdout: null}}")
    assert list(recipe.steps) == ["text", "small"]
    assert recipe.seed == 42
    assert recipe.steps["text"].holdout.dev == 0.01


def test_null_deletes_one_of_two_alternatives(written):
    """To say epochs instead of updates, the base's updates have to go."""
    recipe = written("base: below.yaml\nsteps: {student: {updates: null, epochs: 2}}")
    assert (recipe.steps["student"].updates, recipe.steps["student"].epochs) == (None, 2)


def test_another_kind_replaces_instead_of_merging(written):
    """The fields of one kind of thing mean nothing to another."""
    recipe = written("base: below.yaml\nsteps: {small: {do: pretrain, model: org/b, corpus: '@text', updates: 1}}")
    assert recipe.steps["small"].do == "pretrain"
    assert recipe.steps["small"].model == "org/b"


def test_lists_are_replaced_whole(written):
    """Lists merged by position would pair up things that do not belong together."""
    recipe = written("base: below.yaml\nsteps: {text: {sources: [{kind: jsonl, path: b.jsonl}]}}")
    assert [source.kind for source in recipe.steps["text"].sources] == ["jsonl"]


def test_bases_of_bases(written, tmp_path):
    """A chain is laid from the bottom up; paths are those of the file that says them."""
    write_recipe(tmp_path / "deep", "base: ../below.yaml\nsteps: {student: {updates: 3, batch: 4}}", "middle.yaml")
    recipe = written("base: deep/middle.yaml\nsteps: {student: {updates: 5}}")
    assert (recipe.steps["student"].updates, recipe.steps["student"].batch) == (5, 4)


def test_several_bases(written, tmp_path):
    """A teacher that three overlays share would otherwise be copied into each, and the copies would drift apart."""
    write_recipe(tmp_path, "steps: {before: {do: shrink, model: org/b, layers: {keep: 1}}}", "teacher.yaml")
    above = "base: [teacher.yaml, below.yaml]\nsteps: {small: {model: '@before', layers: {keep: 2}}}"
    recipe = written(above, "steps.student.teacher='@before'")
    assert list(recipe.steps) == ["before", "text", "small", "student"]
    assert recipe.steps["small"].layers.from_ == "bottom"
    assert (recipe.name, recipe.seed) == ("above", 7)


@pytest.mark.parametrize("base", ["3", "{a: b}", "[below.yaml, 3]"])
def test_what_is_no_base(written, base):
    """A mistyped base that is passed over leaves a recipe without its steps."""
    with pytest.raises(RecipeError, match="base should be the path of another recipe, or a list of paths"):
        written(f"base: {base}\nsteps: {{}}")


def test_every_step_has_a_seed(written):
    """A step without a seed of its own would be another step in every recipe seed."""
    recipe = written("base: below.yaml\nsteps: {small: {seed: 3}}")
    assert {name: step.seed for name, step in recipe.steps.items()} == {"text": 7, "small": 3, "student": 7}


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("seed=9", lambda r: r.seed == 9),
        ("steps.student.updates=100", lambda r: r.steps["student"].updates == 100),
        ("steps.student.learning_rate=1e-4", lambda r: r.steps["student"].learning_rate == 1e-4),
        ("steps.text.sources.0.path=b=c.txt", lambda r: r.steps["text"].sources[0].path == "b=c.txt"),
        ("steps.text.sources.0.path=[a.txt, b.txt]", lambda r: r.steps["text"].sources[0].path == ["a.txt", "b.txt"]),
        ("steps.text.holdout=null", lambda r: r.steps["text"].holdout.dev == 0.01),
        ("steps.student=null", lambda r: list(r.steps) == ["text", "small"]),
        ("steps.bound={do: gate, speed: null}", None),
        ("engine.checkpoint_seconds=0", lambda r: r.engine.checkpoint_seconds == 0),
        ("engine.country=SWE", lambda r: r.engine.country == "SWE"),
        ("engine.country=null", lambda r: r.engine.country is None),
        ("name=", lambda r: r.name == "above"),
    ],
)
def test_set_changes_a_field(written, override, found):
    """One override that goes through the same validation replaces a flag for every field."""
    text = BASE.replace("name: below", "name: given")
    if found is None:
        with pytest.raises(RecipeError, match="a gate without a bound lets everything through"):
            written(text, override)
    else:
        assert found(written(text, override))


def test_later_overrides_win(written):
    """As on every command line."""
    assert written(BASE, "seed=1", "seed=2").seed == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", r'--set takes path=value, as in steps\.student\.updates=100; found "seed"'),
        ("=3", "--set takes path=value"),
        ("steps.studnet.updates=3", r'--set .*: there is no step "studnet"; did you mean "student"\?'),
        ("steps.student.update=3", r'unknown field "update"; did you mean "updates"\?'),
        ("steps.student.updates=many", r"steps\.student\.updates: .*integer.*; found 'many'"),
        ("steps.student.updates=.inf", r"steps\.student\.updates: .*found inf"),
        ("steps.text.sources.1.path=b", '"1" is no position in a list of 1'),
        ("steps.text.sources.first.path=b", '"first" is no position in a list of 1'),
        ("steps.student.teacher.model=b", "\"model\" cannot be set inside 'org/model'"),
        ("engine.country=se", r'engine\.country: a country is three capital letters .*SWE for Sweden; found "se"'),
        ("seed=[", "--set seed: the value is not valid YAML"),
        ("steps.x={do: gate, do: gate}", '"do" stands twice'),
        ("steps.x={<<: gate, do: gate}", "`<<` takes one anchor of a mapping, as in `<<: \\*name`; found 'gate'"),
    ],
)
def test_a_wrong_override_is_named(written, override, message):
    """A misspelt override that is ignored trains the wrong thing overnight."""
    with pytest.raises(RecipeError, match=message):
        written(BASE, override)


def test_all_problems_are_told_at_once(written):
    """One problem a run makes correcting a recipe a matter of patience."""
    text = BASE.replace("updates: 10", "updates: 0").replace("keep: 3", "keep: three").replace("seed: 7", "seed: -1")
    with pytest.raises(RecipeError) as refused:
        written(text)
    assert len(str(refused.value).splitlines()) >= 3
    assert all(name in str(refused.value) for name in ("seed", "steps.small.layers.keep", "steps.student.updates"))


def test_the_resolved_recipe_is_the_same_recipe(written, tmp_path):
    """The copy that is kept with a run has to give that run again."""
    recipe = written(BASE)
    again = parse_recipe(recipe.resolved())
    assert again == recipe
    assert re.search("learning_rate", str(recipe.resolved())), "defaults are spelt out"


def test_a_recipe_without_a_name_has_its_file_s(written):
    """A recipe needs a folder; its file's name is the least surprising one."""
    assert written(BASE.replace("name: below\n", ""), name="swedish-mbert.yaml").name == "swedish-mbert"
