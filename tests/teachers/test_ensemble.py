"""Several teachers at once: what is averaged, who is run, which of them are refused."""

import pytest
import torch

from limbeck.config import Config, references
from limbeck.errors import RecipeError
from limbeck.signals import Batch, Needs, Outputs, Shape
from limbeck.teachers import AnyTeacher, Ensemble, EnsembleTeacher, Teacher

SHAPE = Shape(layers=2, width=4, heads=1, vocabulary=3, positions=8)
BATCH = Batch(torch.zeros(1, 2, dtype=torch.long), torch.ones(1, 2, dtype=torch.long))


class Recipe(Config):
    teacher: AnyTeacher


class Fixed(Teacher):
    """Always the same logits; remembers what it was asked for."""

    def __init__(self, logits, shape=SHAPE):
        self.shape = shape
        self.logits = torch.tensor(logits)
        self.asked = []

    def __call__(self, batch, needs):
        self.asked.append(needs)
        hidden = {layer: torch.full((1, 2, 4), float(layer)) for layer in needs.hidden}
        return Outputs(hidden=hidden, logits=None if needs.logits == "none" else self.logits)


def spec(*members):
    """As a recipe gives it."""
    return Recipe.parse({"teacher": {"kind": "ensemble", "members": list(members)}}, "recipe").teacher


def test_a_bare_member_has_weight_1():
    """Two spellings that resolve differently would make two fingerprints of one training."""
    assert spec("@a", {"model": "@b", "weight": 1}) == spec({"model": "@a"}, "@b")
    assert [reference.step for reference in references(spec("@a", "@b"))] == ["a", "b"]


def test_logits_are_the_weighted_mean():
    """By hand: weights 3 and 1 are three quarters and a quarter."""
    members = [Fixed([[4.0, 0.0, -4.0]]), Fixed([[0.0, 8.0, 0.0]])]
    outputs = spec({"model": "a", "weight": 3}, "b").join(members)(BATCH, Needs(logits="selected"))
    assert torch.equal(outputs.logits, torch.tensor([[3.0, 2.0, -3.0]]))


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_the_mean_is_the_geometric_one_at_every_temperature(temperature):
    """A mean that holds at one temperature only would make the objective's temperature mean something else."""
    first, second = torch.randn(2, 5, 3).unbind()
    mean = Ensemble([Fixed(first.tolist()), Fixed(second.tolist())], [0.7, 0.3])(BATCH, Needs(logits="all")).logits
    product = (first / temperature).softmax(-1) ** 0.7 * (second / temperature).softmax(-1) ** 0.3
    expected = product / product.sum(-1, keepdim=True)
    torch.testing.assert_close((mean / temperature).softmax(-1), expected)


def test_equal_members_answer_as_one():
    """An ensemble that changes what its members agree on is no mean."""
    logits = torch.randn(4, 3)
    mean = Ensemble([Fixed(logits.tolist()) for _ in range(3)], [0.2, 1, 7])(BATCH, Needs(logits="selected")).logits
    torch.testing.assert_close(mean, logits)


def test_layers_are_the_first_members_and_nobody_is_run_for_nothing():
    """A second teacher run for hidden states that nobody reads doubles the time of a training."""
    members = [Fixed([[1.0, 0, 0]]), Fixed([[0, 1.0, 0]]), Fixed([[0, 0, 1.0]])]
    ensemble = Ensemble(members, [0, 1, 0])
    outputs = ensemble(BATCH, Needs(hidden=frozenset({2}), logits="selected"))
    assert torch.equal(outputs.hidden[2], torch.full((1, 2, 4), 2.0))
    assert torch.equal(outputs.logits, torch.tensor([[0, 1.0, 0]]))
    assert [member.asked for member in members] == [[Needs(hidden=frozenset({2}))], [Needs(logits="selected")], []]
    ensemble(BATCH, Needs(logits="selected"))
    assert len(members[0].asked) == 1


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ([{"model": "a", "weight": 0}, {"model": "b", "weight": 0}], "the weights of the members sum to 0"),
        ([{"model": "a", "weight": -1}, "b"], "greater than or equal to 0; found -1"),
        (["a"], "at least 2 items"),
        ([{"model": "a", "wieght": 1}, "b"], 'unknown field "wieght"; did you mean "weight"'),
    ],
)
def test_mistakes_are_refused(members, sentence):
    """Weights that sum to nothing make a division by zero, and a loss that is not a number."""
    with pytest.raises(RecipeError, match=sentence):
        spec(*members)


def test_members_of_other_vocabularies_are_refused():
    """Logits of different classes have no mean."""
    other = Shape(layers=2, width=4, heads=1, vocabulary=4, positions=8)
    with pytest.raises(RecipeError, match=r"a has a vocabulary of 3 and b one of 4"):
        spec("a", "b").provides([SHAPE, other], [True, True])


def test_it_provides_the_first_members_layers_and_what_all_can_answer():
    """A deeper second member does not lend its layers; one without a head leaves the mean undefined."""
    deeper = Shape(layers=6, width=8, heads=1, vocabulary=3, positions=8)
    provides = EnsembleTeacher(members=["a", "b"]).provides([SHAPE, deeper], [True, False])
    provides.check('objective "hidden_mse"', Needs(hidden=frozenset({0, 2})))
    with pytest.raises(RecipeError, match='"hidden_mse" needs hidden states of layer 6'):
        provides.check('objective "hidden_mse"', Needs(hidden=frozenset({6})))
    with pytest.raises(
        RecipeError, match=r'"soft_labels" needs logits; the teacher b gives only .*neither a masked-LM'
    ):
        provides.check('objective "soft_labels"', Needs(logits="selected"))


def test_idle_members_are_refused():
    """A configuration that is ignored makes its author believe in an ensemble that never was."""
    with pytest.raises(RecipeError, match="the other members would teach nothing; add soft_labels, or name a as"):
        spec("a", "b").check(Needs(hidden=frozenset({1})))
