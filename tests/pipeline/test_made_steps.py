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
