import pytest
import torch
from slimming_support import Unwatched, text
from torch.nn.functional import cross_entropy

from limbeck.models.axes import Axis
from limbeck.models.families import family_of
from limbeck.models.importance import Scores, measure
from limbeck.models.readers import readers_of, weight_of
from limbeck.models.widths import Widths
from limbeck.signals import Batch
from tiny_encoders import inputs_of

ALL = [1, 2, 3, 4]


def _one(number):
    """One sequence of the batch, without padding."""
    whole = text(6)
    return Batch(*(tensor[number : number + 1] for tensor in (whole.input_ids, whole.attention_mask, whole.labels)))


def _at(model, axis, layer):
    layer = 1 if family_of(model).shares_layers else layer
    return next(reader for reader in readers_of(model) if reader.place.axis is axis and reader.place.layer == layer)


def _changes(model, module, parts, batch):
    """|d loss / d g| where the columns of a matrix that belong to one part are multiplied by g: what removal costs."""
    labelled = batch.labels != -100
    logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    loss = cross_entropy(logits[labelled], batch.labels[labelled], reduction="sum")
    weight = model.get_submodule(module).weight
    (gradient,) = torch.autograd.grad(loss, [weight])
    return (weight * gradient).sum(0).reshape(parts, -1).sum(1).abs().detach()


@pytest.mark.parametrize(("axis", "name", "parts"), [(Axis.HEADS, "heads", 2), (Axis.UNITS, "units", 24)])
def test_gradients_say_what_removal_costs(make, family, axis, name, parts):
    """A sum over tokens taken after the absolute value, or over sequences before it, ranks other parts first."""
    model = make(family, "ForMaskedLM")
    (module,) = _at(model, axis, 2).modules
    one, two = _one(0), _one(1)
    whole = Batch(*(torch.cat([getattr(b, n) for b in (one, two)]) for n in ("input_ids", "attention_mask", "labels")))
    scores = getattr(measure(model, [whole], "gradient", ALL, Unwatched()), name)
    expected = (_changes(model, module, parts, _one(0)) + _changes(model, module, parts, _one(1))) / 2
    torch.testing.assert_close(scores[2].float(), expected, rtol=1e-4, atol=1e-6)
    assert set(scores) == set(ALL)


@pytest.mark.parametrize(("axis", "name", "parts"), [(Axis.HEADS, "heads", 2), (Axis.UNITS, "units", 24)])
def test_activations_say_what_a_part_adds(make, family, axis, name, parts):
    """Padding that counts, or a constant that counts, ranks other parts first."""
    model = make(family)
    reader = _at(model, axis, 3)
    inputs_NPD = inputs_of(model, reader.source, text()).unflatten(1, (parts, -1))
    weight_OPD = weight_of(model, reader).unflatten(1, (parts, -1))
    if family != "modernbert":  # which has no biases that could stand in for a constant
        inputs_NPD = inputs_NPD - inputs_NPD.mean(0)
    added_NPO = torch.einsum("npd,opd->npo", inputs_NPD, weight_OPD)
    expected = added_NPO.square().sum(2).mean(0).sqrt()
    found = getattr(measure(model, [text()], "activation", ALL, Unwatched()), name)[3]
    torch.testing.assert_close(found.float(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("by", ["gradient", "activation"])
def test_batches_of_any_size_give_the_same(make, family, by):
    """Memory must not decide which parts are kept."""
    model, whole, bar = make(family, "ForMaskedLM"), text(6), Unwatched()
    together = measure(model, [whole], by, ALL, bar)
    apart = measure(model, [_one(number) for number in range(6)], by, ALL, Unwatched())
    torch.testing.assert_close(apart.width, together.width, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(apart.heads[1], together.heads[1], rtol=1e-4, atol=1e-7)
    assert bar.done == 6


@pytest.mark.parametrize("by", ["gradient", "activation"])
def test_a_part_that_adds_nothing_is_worth_nothing(make, family, by):
    """What is dead has to go first."""
    model = make(family, "ForMaskedLM")
    (heads,), (units,) = (_at(model, axis, 2).modules for axis in (Axis.HEADS, Axis.UNITS))
    with torch.no_grad():
        model.get_submodule(heads).weight[:, :8] = 0
        model.get_submodule(units).weight[:, 5] = 0
    scores = measure(model, [text(6)], by, ALL, Unwatched())
    assert scores.heads[2][0] == 0 < scores.heads[2][1]
    assert scores.units[2].argmin() == 5
    assert scores.units[2][5] == 0


def test_only_layers_that_are_kept_judge_dimensions(make):
    """What a layer reads that will be cut away is of no importance."""
    model = make("bert")
    with torch.no_grad():
        for reader in readers_of(model):
            if reader.place.axis is Axis.WIDTH and reader.place.layer == 2:
                for name in reader.modules:
                    model.get_submodule(name).weight[:, :8] = 0
    judged = {layer: measure(model, [text()], "activation", [layer], Unwatched()).width for layer in (1, 2)}
    assert judged[2][:8].sum() / judged[2].sum() < 0.7 * judged[1][:8].sum() / judged[1].sum()


def _scores():
    return Scores(
        width=torch.tensor([3.0, 1.0, 2.0, 2.0]),
        heads={1: torch.tensor([1.0, 4.0]), 2: torch.tensor([4.0, 1.0])},
        units={1: torch.tensor([5.0, 0.0, 5.0]), 2: torch.tensor([1.0, 2.0, 1.0])},
    )


def test_the_best_are_kept_in_their_order():
    """A tie that falls this way or that would make another model on another machine."""
    kept = _scores().keep(Widths(2, 1, 2, 2), head_size=2)
    assert kept.width.tolist() == kept.embeddings.tolist() == [0, 2]
    assert {layer: heads.tolist() for layer, heads in kept.heads.items()} == {1: [1], 2: [0]}
    assert {layer: units.tolist() for layer, units in kept.units.items()} == {1: [0, 2], 2: [0, 1]}


def test_shares_by_hand():
    """The share of the importance that is kept is what the reader judges the cut by."""
    kept = _scores().keep(Widths(2, 1, 2, 2), head_size=2)
    shares = _scores().shares(kept, [1, 2])
    assert shares == pytest.approx({"width": 5 / 8, "heads": 4 / 5, "feed_forward": (1 + 3 / 4) / 2})
    assert _scores().shares(kept, [1])["feed_forward"] == 1
