import json
from collections.abc import Callable, Mapping, Sequence

import pytest
import torch
from torch import Tensor, nn
from training_support import Tiny, TwoTerms, batch_of, batches, broken_off, training, weights

from limbeck.signals import Batch
from limbeck.training.fit import fit
from limbeck.training.history import History
from limbeck.training.probing import GRADIENT, gradient_norms, looks_at
from limbeck.workspace import Workspace

HELD_OUT = [batch_of(98), batch_of(99, sequences=1, length=3)]


def _probe(model: Tiny) -> Callable[[Sequence[Batch]], Mapping[str, float]]:
    """Reads the model, and draws random numbers as a careless probe would."""

    def probe(held_out: Sequence[Batch]) -> Mapping[str, float]:
        assert not torch.is_grad_enabled()
        hidden = torch.cat([model(batch.input_ids)[0].flatten() for batch in held_out])
        return {"size": float(hidden.abs().mean() + 0 * torch.rand(5).sum())}

    return probe


def _fitted(
    out: Workspace,
    *,
    probed: bool,
    updates: int = 20,
    made: Callable[[int], Sequence[Batch]] = batches,
    **changes: object,
) -> tuple[Tiny, History]:
    model = Tiny()
    watched = {"held_out": HELD_OUT, "probe": _probe(model)} if probed else {}
    return model, fit(model, TwoTerms(model), made, training(updates=updates, **changes), updates, out, **watched)


def test_gradient_norms_by_hand():
    """The length of a gradient is what a user balances weights by."""
    model = nn.Linear(2, 1, bias=False)
    terms = {
        "steep": (model.weight * torch.tensor([[3.0, 4.0]])).sum(),
        "flat": model.weight.sum() * 0 + 7,
        "fixed": torch.tensor(5.0),
    }
    assert gradient_norms(model, terms) == {
        "gradient_norm/steep": 5.0,
        "gradient_norm/flat": 0.0,
        "gradient_norm/fixed": 0.0,
    }
    assert model.weight.grad is None, "a gradient left behind would be added to that of the next update"


def test_gradient_norms_are_those_of_each_term_alone(tmp_path):
    """Terms share one graph; a gradient that holds another term's too would hide which of them pulls."""
    model, history = _fitted(Workspace(tmp_path), probed=False)
    batch = batches(20)[0]
    found = history.probes[-1][1]
    for name in ("words", "size"):
        loss = TwoTerms(model)
        model.zero_grad()
        loss(batch, loss.counts(batch), 1.0)[1][name].backward()
        gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        assert found[GRADIENT + name] == pytest.approx(float(torch.cat(gradients).norm()), rel=1e-5)


def test_frozen_weights_have_no_part_in_a_norm(tmp_path):
    """The gradient of weights that nobody moves says nothing about an update."""
    model = Tiny()
    batch = batch_of(1)
    loss = TwoTerms(model)
    whole = gradient_norms(model, loss(batch, loss.counts(batch), 1.0)[1])
    model.words.weight.requires_grad_(False)
    part = gradient_norms(model, loss(batch, loss.counts(batch), 1.0)[1])
    assert part["gradient_norm/words"] < whole["gradient_norm/words"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_that_is_looked_at_ends_with_the_same_bytes(tmp_path, precision):
    """A measurement that changes what it measures makes two runs of one recipe incomparable."""

    class Blind(TwoTerms):
        """Lets nobody ask for the gradient of a term."""

        def __call__(
            self, batch: Batch, counts: Mapping[str, float], progress: float
        ) -> tuple[Tensor, Mapping[str, Tensor]]:
            assert self.model.training, "this is the training that nobody looks at"
            loss, parts = super().__call__(batch, counts, progress)
            return loss, {name: part.detach() for name, part in parts.items()}

    plain = Tiny()
    config = training(updates=20, precision=precision)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("limbeck.training.fit.MOMENTS", 100)  # too short a training to be asked for gradients
        unseen = fit(plain, Blind(plain), batches, config, 20, Workspace(tmp_path / "a"))
    watched, history = _fitted(Workspace(tmp_path / "b"), probed=True, precision=precision)
    assert unseen.probes == []
    assert [update for update, _ in history.probes] == [0, *range(2, 21, 2)]
    assert history.probes[-1][1].keys() == {"size", "gradient_norm/words", "gradient_norm/size"}
    assert weights(plain) == weights(watched)
    assert [row["terms"] for row in unseen.rows] == [row["terms"] for row in history.rows]


def test_an_interrupted_training_finds_out_the_same(tmp_path):
    """A probe that starts again after an interruption forgets how the model was before the training."""

    def broken() -> None:
        raise ZeroDivisionError

    whole, of_whole = _fitted(Workspace(tmp_path / "a"), probed=True)
    out = Workspace(tmp_path / "b")
    out.checkpoint_seconds = 0
    with pytest.raises(ZeroDivisionError):
        _fitted(out, probed=True, made=broken_off(13, broken))
    parts, of_parts = _fitted(out, probed=True)
    assert weights(parts) == weights(whole)
    for history, name in ((of_whole, "whole"), (of_parts, "parts")):
        history.write_probes(tmp_path / name)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


def test_the_model_is_left_in_training(tmp_path):
    """Dropout that stays off after the first look is no dropout."""
    modes: list[bool] = []

    class Watching(TwoTerms):
        def __call__(
            self, batch: Batch, counts: Mapping[str, float], progress: float
        ) -> tuple[Tensor, Mapping[str, Tensor]]:
            modes.append(self.model.training)
            return super().__call__(batch, counts, progress)

    model = Tiny()
    fit(
        model,
        Watching(model),
        lambda _: [batch_of(1)],
        training(updates=10),
        10,
        Workspace(tmp_path),
        probe=_probe(model),
    )
    assert modes == [True, False] * 10


@pytest.mark.parametrize("updates", [1, 9])
def test_a_short_training_is_not_asked_for_gradients(tmp_path, updates):
    """`plan` measures three updates: with a second pass after each it would forecast twice the time."""
    _, history = _fitted(Workspace(tmp_path), probed=False, updates=updates)
    assert history.probes == []


@pytest.mark.parametrize("updates", [1, 9, 10, 19, 20, 25, 204])
def test_looks_are_counted_beforehand(tmp_path, updates):
    """`plan` adds the time of every look: one that it does not know of makes a run late."""
    _, history = _fitted(Workspace(tmp_path), probed=True, updates=updates)
    assert len(history.probes) == 1 + looks_at(updates)
    assert len(history.held_out_rows) == looks_at(updates)


def test_without_held_out_text_there_is_no_probe(tmp_path):
    """A rank of no sentences would be a number, and mean nothing."""
    model = Tiny()
    history = fit(model, TwoTerms(model), batches, training(), 8, Workspace(tmp_path), probe=_probe(model))
    assert history.probes == []


def test_rows_of_the_file(tmp_path):
    """The report reads these names."""
    history = History()
    history.probed(0, {"effective_rank": 4.0})
    history.probed(2, {"effective_rank": 3.0, GRADIENT + "mlm": 0.5})
    history.probed(4, {})
    history.write_probes(tmp_path / "probes.jsonl")
    assert [json.loads(line) for line in (tmp_path / "probes.jsonl").read_text().splitlines()] == [
        {"update": 0, "effective_rank": 4.0},
        {"update": 2, "effective_rank": 3.0, "gradient_norm/mlm": 0.5},
    ]
    assert history.facts()["probe"] == {"effective_rank": 3.0, "gradient_norm/mlm": 0.5}
