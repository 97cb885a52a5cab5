import pytest

from limbeck.outlines import Outline
from limbeck.pipeline.planning import plan
from limbeck.pipeline.recipe import parse_recipe
from limbeck.pipeline.running import run


def test_a_finished_corpus_is_known_to_what_reads_it(world, tmp_path):
    """A plan that guesses the length of texts that lie there is off by their padding."""
    recipe = parse_recipe(world.recipe("student"))
    before = {step.step: step.outline for step in plan(recipe, tmp_path).steps}
    made = run(recipe, tmp_path, only="text").artifacts["text"].facts["splits"]["train"]
    after = {step.step: step.outline for step in plan(recipe, tmp_path).steps}
    text: Outline = after["text"]
    assert (text.documents, text.tokens) == (made["documents"], made["characters"] / 4.5)
    assert after["student"].tokens == pytest.approx(20 * 8 * text.tokens / text.documents)
    assert before["student"].tokens == 20 * 8 * 32


def test_a_finished_tokenizer_says_how_many_words_a_new_model_has(world, tmp_path):
    """A plan that keeps to the most tokens there could be shows a model several times its size."""
    steps = world.recipe("text")["steps"]
    steps["tok"] = {"do": "tokenizer", "corpus": "@text", "family": "wordpiece"}
    model = {"shape": "bert-tiny", "tokenizer": "@tok"}
    steps["new"] = {"do": "pretrain", "model": model, "corpus": "@text", "updates": 2, "length": 32}
    recipe = parse_recipe({"name": "tiny", "steps": steps})
    before = {step.step: step.outline for step in plan(recipe, tmp_path).steps}
    tokens = run(recipe, tmp_path, only="tok").artifacts["tok"].facts["vocabulary"]
    after = {step.step: step.outline for step in plan(recipe, tmp_path).steps}
    assert (before["tok"].vocabulary, before["tok"].at_most, before["new"].at_most) == (30_522, True, True)
    assert (after["tok"].vocabulary, after["tok"].at_most, after["new"].at_most) == (tokens, False, False)
    assert after["new"].model["vocab_size"] == tokens < 1000
    assert any("a masked passage" in note for note in after["new"].notes)
