import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from training_support import Tiny, TwoTerms, batch_of, batches, broken_off, training, weights

from limbeck.errors import TrainingError
from limbeck.signals import Batch
from limbeck.training.fit import fit
from limbeck.workspace import Silent, Workspace


@pytest.fixture
def out(tmp_path) -> Workspace:
    """A stage's workspace."""
    return Workspace(tmp_path / "step")


def _joined(parts: Sequence[Batch]) -> Batch:
    """Micro-batches as one batch, the shorter sequences padded."""
    longest = max(part.input_ids.shape[1] for part in parts)

    def grown(values_BT: Tensor, fill: int) -> Tensor:
        return torch.nn.functional.pad(values_BT, (0, longest - values_BT.shape[1]), value=fill)

    return Batch(
        torch.cat([grown(part.input_ids, 0) for part in parts]),
        torch.cat([grown(part.attention_mask, 0) for part in parts]),
        torch.cat([grown(part.labels, -100) for part in parts if part.labels is not None]),
    )


class MeanOfMeans(TwoTerms):
    """The mistake: every micro-batch divides by its own counts."""

    def __call__(
        self, batch: Batch, counts: Mapping[str, float], progress: float
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        loss, parts = super().__call__(batch, self.counts(batch), progress)
        return loss / 2, parts


# With an epsilon this large AdamW's updates are proportional to the gradient; otherwise they hide its size.
_PROPORTIONAL = {"eps": 1.0, "dropout": False, "clip": 1e6}


def _after(loss_type, made, out, **changes):
    model = Tiny()
    history = fit(model, loss_type(model), made, training(**{**_PROPORTIONAL, **changes}), 3, out)
    return model, history


def _apart(one, other):
    return max(float((a - b).detach().abs().max()) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_accumulated_unequal_batches_equal_one_large_batch(tmp_path):
    """Averaging the averages of unequal micro-batches trains a different model than the large batch would."""
    whole, of_whole = _after(TwoTerms, lambda update: [_joined(batches(update))], Workspace(tmp_path / "a"))
    parts, of_parts = _after(TwoTerms, batches, Workspace(tmp_path / "b"))
    wrong, _ = _after(MeanOfMeans, batches, Workspace(tmp_path / "c"))
    assert _apart(whole, parts) < 1e-6
    assert _apart(whole, wrong) > 1e-4, "this test could not tell"
    for one, other in zip(of_whole.rows, of_parts.rows, strict=True):
        assert one["terms"] == pytest.approx(other["terms"], abs=1e-6)
        assert one["tokens"] == other["tokens"]


def test_padding_inside_an_update_changes_nothing(tmp_path):
    """A count that includes padding would weigh an update by the length of its longest sentence."""
    padded = [_joined([batch_of(1, 2, 3), batch_of(2, 1, 9)])]
    bare = [batch_of(1, 2, 3), batch_of(2, 1, 9)]
    one, _ = _after(TwoTerms, lambda _: padded, Workspace(tmp_path / "a"))
    other, _ = _after(TwoTerms, lambda _: bare, Workspace(tmp_path / "b"))
    assert _apart(one, other) < 1e-6


def test_training_lowers_the_loss(out):
    """A loop that reports a loss and changes no weight looks busy."""
    model = Tiny(dropout=0.0)
    history = fit(model, TwoTerms(model), lambda _: batches(1), training(learning_rate=0.1), 30, out)
    assert history.rows[-1]["terms"]["loss"] < 0.5 * history.rows[0]["terms"]["loss"]
    assert history.updates == 30


def test_the_reported_loss_is_the_weighted_sum_of_its_terms(out):
    """A curve of another quantity than the one minimised misleads whoever reads it."""
    model = Tiny()
    history = fit(model, TwoTerms(model), batches, training(), 4, out)
    for row in history.rows:
        terms = row["terms"]
        assert terms["loss"] == pytest.approx(terms["words"] + 0.1 * terms["size"], rel=1e-5)


def test_the_model_is_left_without_dropout(out):
    """A development score measured with dropout on picks a member by chance."""
    model = Tiny()
    fit(model, TwoTerms(model), batches, training(), 1, out)
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize("dropout", [True, False])
def test_dropout_is_on_only_when_asked_for(out, dropout):
    """Dropout in a distillation that was told not to use it changes the target from update to update."""
    model = Tiny(dropout=0.9)
    modes: list[bool] = []

    class Watching(TwoTerms):
        def __call__(self, batch, counts, progress):
            modes.append(self.model.training)
            return super().__call__(batch, counts, progress)

    fit(model, Watching(model), batches, training(dropout=dropout), 3, out, held_out=[batch_of(99)])
    assert modes == [dropout, dropout, False] * 3


def test_the_seed_decides_the_dropout(tmp_path):
    """Members of several seeds that drop the same units are less independent than their interval says."""

    def trained(seed: int) -> bytes:
        model = Tiny()
        fit(model, TwoTerms(model), batches, training(), 3, Workspace(tmp_path / f"{seed}{torch.rand(1)}"), seed=seed)
        return weights(model)

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)


def test_neighbouring_updates_drop_different_units(out):
    """Seeding every update alike would drop the same units for ever."""
    model = Tiny(dropout=0.5)
    drawn: list[Tensor] = []

    class Watching(TwoTerms):
        def __call__(self, batch, counts, progress):
            drawn.append(self.model.dropout(torch.ones(200)))
            return super().__call__(batch, counts, progress)

    fit(model, Watching(model), batches, training(), 5, out)
    assert len({tuple(units.tolist()) for units in drawn}) == 10


def test_the_schedule_moves_the_weights(tmp_path):
    """A schedule that is only reported leaves the rate at its highest, and nobody can tell from the curve."""
    out = Workspace(tmp_path)
    out.checkpoint_seconds = 0
    model = Tiny()
    before, moved = model.out.bias.detach().clone(), []

    def watched(update: int) -> Sequence[Batch]:
        moved.append(float((model.out.bias.detach() - before).abs().max()))
        before.copy_(model.out.bias.detach())
        return [batch_of(1)]

    # Without memory and with equal gradients AdamW moves a bias by just the rate.
    config = training(warmup=0.5, schedule="linear", betas=[0, 0], dropout=False, learning_rate=0.01)
    history = fit(model, TwoTerms(model), watched, config, 8, out)
    assert moved[1:] == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01, 0.0075, 0.005], rel=1e-2)
    assert [row["learning_rate"] for row in history.rows][:7] == pytest.approx(moved[1:], rel=1e-2)


def test_progress_counts_updates_over_all_sittings(tmp_path):
    """A bar that starts at nothing after an interruption says that the work was lost."""
    seen: list[tuple[float, str]] = []

    class Bar:
        def advance(self, amount: float = 1, shown: str = "") -> None:
            seen.append((amount, shown))

    class Watched(Silent):
        @contextmanager
        def progress(self, label, total, unit):
            assert (label, total, unit) == ("training", 4, "updates")
            yield Bar()

    def sitting(made: Callable[[int], Sequence[Batch]]) -> list[tuple[float, str]]:
        seen.clear()
        out = Workspace(tmp_path, display=Watched())
        out.checkpoint_seconds = 0
        model = Tiny()
        fit(model, TwoTerms(model), made, training(), 4, out)
        return list(seen)

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sitting(broken_off(3, broken))
    assert [amount for amount, _ in seen] == [0, 1, 1]
    again = sitting(batches)
    assert [amount for amount, _ in again] == [2, 1, 1]
    assert all(re.fullmatch(r"loss \d\.\d{4}", shown) for _, shown in again[1:])


def test_gradients_are_clipped_to_the_norm(out):
    """One strange batch should not throw the weights far away."""
    out.checkpoint_seconds = 0
    model = Tiny()
    fit(model, TwoTerms(model), batches, training(clip=0.001, betas=[0, 0]), 2, out)
    saved = load_file(out.scratch / "checkpoints" / "training" / "update-000000002" / "optimiser.safetensors")
    gradients = [value for name, value in saved.items() if name.endswith("/exp_avg")]
    norm = float(torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt())
    assert norm == pytest.approx(0.001, rel=1e-3)


def test_frozen_weights_stay_as_they_are(out):
    """Embeddings frozen on purpose and yet decayed are no longer the teacher's."""
    model = Tiny()
    model.words.weight.requires_grad = False
    before = model.words.weight.clone()
    fit(model, TwoTerms(model), batches, training(weight_decay=0.5), 3, out)
    assert torch.equal(model.words.weight, before)


@pytest.mark.parametrize(("updates", "times"), [(100, 10), (59, 12), (19, 19), (10, 10), (7, 7), (1, 1)])
def test_held_out_text_is_measured_about_ten_times_and_at_the_end(out, updates, times):
    """Too seldom hides overfitting; too often costs more than the training."""
    model = Tiny()
    history = fit(model, TwoTerms(model), batches, training(), updates, out, held_out=[batch_of(99)])
    assert len(history.held_out_rows) == times
    assert history.held_out_rows[-1][0] == updates


def test_without_held_out_text_nothing_is_measured(out):
    """A loss on nothing would be a perfect zero."""
    model = Tiny()
    assert fit(model, TwoTerms(model), batches, training(), 3, out).held_out_rows == []


def test_held_out_batches_count_as_one_update(out):
    """A mean of batch means would let a short last batch weigh as much as a full one."""
    model = Tiny()
    held_out = [batch_of(98), batch_of(99, sequences=1, length=3)]
    history = fit(model, TwoTerms(model), batches, training(), 1, out, held_out=held_out)
    loss = TwoTerms(model)
    counts = {name: sum(loss.counts(part)[name] for part in held_out) for name in ("words", "size")}
    with torch.no_grad():
        expected = sum(float(loss(part, counts, 1.0)[0]) for part in held_out)
        mean_of_means = sum(float(loss(part, loss.counts(part), 1.0)[0]) for part in held_out) / 2
    assert history.held_out_rows == [(1, pytest.approx(expected, rel=1e-6))]
    assert mean_of_means != pytest.approx(expected, rel=1e-3), "this test could not tell"


def test_measuring_held_out_text_does_not_disturb_the_training(tmp_path):
    """A measurement that draws random numbers or leaves dropout off would change what is measured."""
    plain, measured = Tiny(), Tiny()
    seen: list[tuple[bool, bool]] = []

    class Disturbing(TwoTerms):
        def __call__(self, batch, counts, progress):
            if not self.model.training:
                seen.append((self.model.training, torch.is_grad_enabled()))
                torch.rand(7)
            return super().__call__(batch, counts, progress)

    fit(plain, TwoTerms(plain), batches, training(), 8, Workspace(tmp_path / "a"))
    held_out = [batch_of(99)]
    fit(measured, Disturbing(measured), batches, training(), 8, Workspace(tmp_path / "b"), held_out=held_out)
    assert seen == [(False, False)] * 8
    assert weights(plain) == weights(measured)


class HeldOutSpoilt(TwoTerms):
    """Finite in training, infinite when measured."""

    def __call__(
        self, batch: Batch, counts: Mapping[str, float], progress: float
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        loss, parts = super().__call__(batch, counts, progress)
        return (loss if self.model.training else loss * float("inf")), parts


def test_a_held_out_loss_that_is_not_finite_stops_the_training(out):
    """The weights were ruined by the last update; going on would only cost time."""
    model = Tiny()
    with pytest.raises(TrainingError, match=r"update 1: the loss on held-out text is inf; the last checkpoint is kept"):
        fit(model, HeldOutSpoilt(model), batches, training(), 8, out, held_out=[batch_of(99)])


class Spoilt(TwoTerms):
    """From call number `at` on, the term "size" is infinite."""

    at = 5

    def __call__(
        self, batch: Batch, counts: Mapping[str, float], progress: float
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        loss, parts = super().__call__(batch, counts, progress)
        if self.calls < self.at:
            return loss, parts
        return loss * float("inf"), {**parts, "size": parts["size"] * float("inf")}


def test_a_loss_that_is_not_finite_stops_the_training(out):
    """Weights that are NaN give a model that answers nothing, hours later."""
    out.checkpoint_seconds = 0
    model = Tiny()
    with pytest.raises(TrainingError, match=r"update 3: the loss is inf because of size; the last checkpoint is kept"):
        fit(model, Spoilt(model), batches, training(), 8, out)
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
    folder = out.scratch / "checkpoints" / "training" / "update-000000002"
    assert json.loads((folder / "state.json").read_text())["update"] == 2


class Steep(TwoTerms):
    """From call number 5 on, the loss is what it was but its gradient is infinite."""

    def __call__(
        self, batch: Batch, counts: Mapping[str, float], progress: float
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        loss, parts = super().__call__(batch, counts, progress)
        if self.calls < 5:
            return loss, parts
        bias = self.model.out.bias
        return loss + (bias - bias.detach()).abs().sqrt().sum(), parts


def test_a_gradient_that_is_not_finite_stops_the_training(out):
    """A finite loss with an infinite gradient ruins every weight in one update."""
    model = Tiny()
    with pytest.raises(TrainingError, match=r"update 3: the gradient's norm is (nan|inf); the last checkpoint"):
        fit(model, Steep(model), batches, training(), 8, out)
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


class WordsOnly(TwoTerms):
    """Without labels there is nothing to learn."""

    def counts(self, batch):
        return {"words": super().counts(batch)["words"]}

    def __call__(self, batch, counts, progress):
        return super().__call__(batch, {**counts, "size": 1.0}, progress)


def unlabelled(batch: Batch) -> Batch:
    """The batch without its labels."""
    assert batch.labels is not None
    return Batch(batch.input_ids, batch.attention_mask, torch.full_like(batch.labels, -100))


def test_an_update_without_anything_to_learn_stops_the_training(out):
    """Its loss is zero, which a curve shows as success."""

    def emptied(update):
        first, second = batches(update)
        if update < 2:
            return [first, second]
        return [first if update == 2 else unlabelled(first), unlabelled(second)]  # one of two may well be empty

    model = Tiny()
    with pytest.raises(TrainingError, match=r"update 3: nothing can be learnt from it, because no position is masked"):
        fit(model, WordsOnly(model), emptied, training(), 8, out)


def test_held_out_text_without_anything_to_predict_is_not_measured(tmp_path):
    """A loss over no position is a perfect zero."""
    model, lines = Tiny(), []

    class Heard(Silent):
        def line(self, text):
            lines.append(text)

    out = Workspace(tmp_path, display=Heard())
    held_out = [unlabelled(batch_of(99))]
    assert fit(model, WordsOnly(model), batches, training(), 3, out, held_out=held_out).held_out_rows == []
    assert lines == [
        "  training: the held-out text is too short to predict anything in it, so no loss is measured on it"
    ]


def test_the_first_update_audits_the_gradients(out):
    """A layer that nothing trains is a published mistake; it must not need a reader to find it."""
    model = Tiny()
    model.register_parameter("spare", torch.nn.Parameter(torch.ones(2)))
    before = weights(model)
    with pytest.raises(TrainingError, match=r"spare not connected to the loss.*or freeze them"):
        fit(model, TwoTerms(model), batches, training(), 8, out)
    assert weights(model) == before


def test_weights_stay_float32_under_bfloat16(out):
    """Updates smaller than a bfloat16 weight's last bit would be lost."""
    model = Tiny()
    formats: list[torch.dtype] = []

    class Watching(TwoTerms):
        def __call__(self, batch, counts, progress):
            formats.append(self.model(batch.input_ids)[1].dtype)
            return super().__call__(batch, counts, progress)

    fit(model, Watching(model), batches, training(precision="bfloat16"), 2, out)
    assert set(formats) == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
