"""Signals taken from models of every family, against what transformers itself gives."""

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForTokenClassification,
    DebertaV2Model,
    PreTrainedModel,
)

from limbeck.errors import ModelError
from limbeck.models.families import final_norm_of, layers_of
from limbeck.models.observing import observe
from limbeck.signals import Batch, Needs, Outputs
from tiny_encoders import VARIANTS, config_of, tiny

GLOBAL = {family: (1, 3) if family == "modernbert" else (1, 2, 3) for family in VARIANTS}
"""Layers with global attention."""
EVERYTHING = Needs(hidden=frozenset({0, 1, 2, 3}))


def make(family: str, kind: type = AutoModel, attention: str | None = "eager") -> PreTrainedModel:
    """A model that hands over its own attention."""
    return tiny(family, kind, attention)


def batch() -> Batch:
    """Two sequences of 7 and 4 tokens, three positions labelled."""
    torch.manual_seed(1)
    ids = torch.randint(3, 40, (2, 7))
    mask = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])
    labels = torch.full((2, 7), -100)
    labels[0, 2], labels[0, 5], labels[1, 1] = 4, 0, 2
    return Batch(ids * mask, mask, labels)


def reference(model: PreTrainedModel, item: Batch) -> object:
    """What transformers itself hands over; the attention implementation must be eager."""
    return model(
        input_ids=item.input_ids,
        attention_mask=item.attention_mask,
        output_hidden_states=True,
        output_attentions=True,
    )


def attention(found: Outputs, layer: int, mask: Tensor) -> Tensor:
    """Softmax of the scores over the keys that are no padding."""
    scores = found.queries[layer] @ found.keys[layer].transpose(-1, -2) + found.biases.get(layer, 0)
    return scores.masked_fill(mask[:, None, None] == 0, float("-inf")).softmax(-1)


def never(module: nn.Module, arguments: object) -> None:
    """A hook for modules that must not run."""
    raise AssertionError(f"{type(module).__name__} ran and nobody reads it")


OUTPUT_PROJECTION = {
    "bert": "attention.output.dense",
    "distilbert": "attention.out_lin",
    "roberta": "attention.output.dense",
    "xlm-roberta": "attention.output.dense",
    "electra": "attention.output.dense",
    "albert": "attention.dense",
    "deberta-v2": "attention.output.dense",
    "deberta-v2-convolved": "attention.output.dense",
    "modernbert": "attn.Wo",
}


@pytest.mark.parametrize("family", VARIANTS)
def test_values_are_what_attention_sums_up(family):
    """Values of another head order than the queries' would make relations of mixed-up halves."""
    model, item, layer = make(family), batch(), 3
    seen: list[Tensor] = []
    projection = layers_of(model)[layer - 1].get_submodule(OUTPUT_PROJECTION[family])
    projection.register_forward_pre_hook(lambda _module, arguments: seen.append(arguments[0]))
    expected_BATT = reference(model, item).attentions[layer - 1]
    outputs = observe(model, item, Needs(attention=frozenset({layer})))
    summed_BTH = (expected_BATT @ outputs.values[layer]).transpose(1, 2).flatten(2)
    given_BTH = seen[layer - 1 if family == "albert" else 0]  # whose layers are one, applied three times
    torch.testing.assert_close(summed_BTH, given_BTH.view_as(summed_BTH), rtol=0, atol=1e-6)
    terms = 1 + len(getattr(model.config, "pos_att_type", None) or [])
    assert outputs.scales[layer] == pytest.approx((terms * outputs.queries[layer].shape[-1]) ** -0.5)


@pytest.mark.parametrize("family", VARIANTS)
def test_hidden_states(family):
    """One layer too low leaves the student's last feed-forward block untrained, as in the Swedish model."""
    model, item = make(family), batch()
    with torch.no_grad():
        expected = list(reference(model, item).hidden_states)
        found = observe(model, item, EVERYTHING).hidden
        norm = final_norm_of(model)
        last = found[3] if norm is None else norm(found[3])
    assert sorted(found) == [0, 1, 2, 3]
    rows = item.attention_mask.bool()
    for ours, theirs in zip([found[0], found[1], found[2], last], expected, strict=True):
        assert torch.allclose(ours[rows], theirs[rows], atol=1e-6)


@pytest.mark.parametrize("family", VARIANTS)
def test_attention(family):
    """Queries before rotation, or unscaled, give another map, and the student learns to imitate a wrong one."""
    model, item = make(family), batch()
    with torch.no_grad():
        expected = reference(model, item).attentions
        found = observe(model, item, Needs(attention=frozenset(GLOBAL[family])))
    rows = item.attention_mask.bool()
    for layer in GLOBAL[family]:
        ours = attention(found, layer, item.attention_mask)
        assert torch.allclose(ours.transpose(1, 2)[rows], expected[layer - 1].transpose(1, 2)[rows], atol=1e-6)
    assert sorted(found.queries) == sorted(found.keys) == list(GLOBAL[family])


def test_attention_with_a_bias_that_is_not_there():
    """DeBERTa-v2 divides by its relative terms even where relative positions are switched off."""
    model, item = DebertaV2Model(config_of("deberta-v2", relative_attention=False, pos_att_type="c2p")).eval(), batch()
    found = observe(model, item, Needs(attention=frozenset({2})))
    assert not found.biases
    rows = item.attention_mask.bool()
    ours, expected = attention(found, 2, item.attention_mask), reference(model, item).attentions[1]
    assert torch.allclose(ours.transpose(1, 2)[rows], expected.transpose(1, 2)[rows], atol=1e-6)


def test_sliding_window_is_refused():
    """A map recomputed without its window spreads over keys that the teacher cannot see."""
    with pytest.raises(ModelError, match="layer 2 of this model attends within a sliding window"):
        observe(make("modernbert"), batch(), Needs(attention=frozenset({2})))


@pytest.mark.parametrize("family", VARIANTS)
@pytest.mark.parametrize("attention", ["eager", None])
def test_selected_logits_are_rows_of_all_logits(family, attention):
    """A shifted row would train every masked word towards its neighbour."""
    model, item = make(family, AutoModelForMaskedLM, attention), batch()
    with torch.no_grad():
        full = model(input_ids=item.input_ids, attention_mask=item.attention_mask).logits
        few = observe(model, item, Needs(logits="selected")).logits
        everything = observe(model, item, Needs(logits="all")).logits
    assert few.shape == (3, 40)
    assert torch.allclose(few, full[item.labels != -100], atol=1e-6)
    tokens = item.attention_mask.bool()
    assert torch.allclose(everything[tokens], full[tokens], atol=1e-6)


@pytest.mark.parametrize("family", VARIANTS)
def test_logits_of_a_tagger(family):
    """A tagger has no vocabulary to project onto; its own head gives the logits."""
    model, item = make(family, AutoModelForTokenClassification), batch()
    with torch.no_grad():
        full = model(input_ids=item.input_ids, attention_mask=item.attention_mask).logits
        few = observe(model, item, Needs(hidden=frozenset({3}), logits="selected"))
    assert torch.allclose(few.logits, full[item.labels != -100], atol=1e-6)
    assert few.hidden[3].shape == (2, 7, 16)


@pytest.mark.parametrize("family", VARIANTS)
def test_what_nobody_reads_never_runs(family):
    """Layers above the last that is read, and logits for a loss without logits, were half of an update's cost."""
    model, item, ran = make(family, AutoModelForMaskedLM), batch(), []
    layers_of(model)[2].register_forward_pre_hook(lambda *_: ran.append("layer 3"))
    model.get_output_embeddings().register_forward_pre_hook(never)
    found = observe(model, item, Needs(hidden=frozenset({0, 2}), attention=frozenset({1})))
    assert (sorted(found.hidden), sorted(found.queries), found.logits) == ([0, 2], [1], None)
    assert len(ran) == (2 if family == "albert" else 0), "an ALBERT's layer 3 is its layers 1 and 2"


@pytest.mark.parametrize("family", VARIANTS)
def test_attention_alone_stops_inside_its_layer(family):
    """A teacher that is read for its last map has no use for its last feed-forward block."""
    model = make(family)
    ran = []
    for module in layers_of(model)[2].modules():
        module.register_forward_hook(lambda m, *_: ran.append(m))
    last = layers_of(model)[2]
    found = observe(model, batch(), Needs(attention=frozenset({3})))
    assert sorted(found.queries) == [3]
    assert ran.count(last) == (2 if family == "albert" else 0), "an ALBERT's layer 3 is its layers 1 and 2"


def test_embeddings_alone_run_no_layer():
    """A layer that runs for nothing, in a pair such as [0, 0]."""
    model = make("bert")
    layers_of(model)[0].attention.register_forward_pre_hook(never)
    assert sorted(observe(model, batch(), Needs(hidden=frozenset({0}))).hidden) == [0]


@pytest.mark.parametrize("family", VARIANTS)
def test_only_selected_positions_are_projected(family):
    """Over a large vocabulary, the projection of every position is most of the work."""
    model, item, rows = make(family, AutoModelForMaskedLM), batch(), []
    model.get_output_embeddings().register_forward_hook(lambda m, a, out: rows.append(out.shape[:-1].numel()))
    observe(model, item, Needs(logits="selected"))
    assert rows == [3]


def hooks(model: nn.Module) -> int:
    """Forward hooks in the whole model."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def attributes(model: nn.Module) -> list[str]:
    """Names of what its modules hold."""
    return [name for module in model.modules() for name in vars(module)]


@pytest.mark.parametrize("family", ["bert", "deberta-v2"])
@pytest.mark.parametrize("broken", [False, True])
def test_the_model_is_left_as_it_was(family, broken):
    """Hooks left behind make every later forward pass stop early, or keep tensors alive until memory ends."""
    model = make(family, AutoModelForTokenClassification)
    before, held = hooks(model), attributes(model)
    if broken:
        handle = model.classifier.register_forward_pre_hook(never)
        with pytest.raises(AssertionError):
            observe(model, batch(), Needs(attention=frozenset({1}), logits="all"))
        handle.remove()
    else:
        observe(model, batch(), Needs(hidden=frozenset({1}), attention=frozenset({1})))
    assert hooks(model) == before
    assert attributes(model) == held
    assert model.config._attn_implementation == "eager"
    assert reference(model, batch()).attentions[0].shape == (2, 4, 7, 7)


def test_gradient_reaches_every_layer_that_is_read():
    """A detached signal trains nothing and looks like a loss."""
    model = make("bert")
    found = observe(model, batch(), Needs(hidden=frozenset({2}), attention=frozenset({3})))
    (found.hidden[2].sum() + (found.queries[3] @ found.keys[3].transpose(-1, -2)).sum()).backward()
    assert layers_of(model)[0].output.dense.weight.grad.any()
    assert layers_of(model)[1].output.dense.weight.grad.any()
    assert layers_of(model)[2].attention.self.query.weight.grad.any()


def test_dropout_acts_as_in_plain_training():
    """Fused attention without dropout would regularise less than the recipe says."""
    model = make("bert").train()
    needs, item = Needs(hidden=frozenset({3})), batch()
    torch.manual_seed(5)
    first = observe(model, item, needs).hidden[3]
    torch.manual_seed(5)
    assert torch.equal(first, observe(model, item, needs).hidden[3])
    assert not torch.allclose(first, observe(model, item, needs).hidden[3])


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_no_graph_is_kept_where_none_is_wanted(mode):
    """A teacher's graph is as large as the student's."""
    with mode():
        found = observe(make("bert"), batch(), Needs(hidden=frozenset({3}), attention=frozenset({3})))
    assert not found.hidden[3].requires_grad
    assert not found.queries[3].requires_grad


@pytest.mark.parametrize("family", VARIANTS)
def test_autocast(family):
    """bfloat16 is where the speed is."""
    model, item = make(family, AutoModelForMaskedLM), batch()
    needs = Needs(hidden=frozenset({3}), attention=frozenset({3}), logits="selected")
    with torch.no_grad():
        exact = observe(model, item, needs)
        with torch.autocast("cpu", torch.bfloat16):
            found = observe(model, item, needs)
    assert found.queries[3].dtype == torch.bfloat16
    rows = item.attention_mask.bool()
    assert torch.allclose(found.hidden[3].float()[rows], exact.hidden[3][rows], atol=0.1)
    assert torch.allclose(found.logits.float(), exact.logits, atol=0.1)


@pytest.mark.parametrize("family", VARIANTS)
def test_bfloat16_training_is_close_to_float32(family):
    """Attention in bfloat16 takes another path where gradients are wanted; a lost mask or scale would show here."""
    model, item = make(family), batch()
    rows, gradients = item.attention_mask.bool(), []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            hidden = observe(model, item, Needs(hidden=frozenset({3}))).hidden[3].float()
        model.zero_grad()
        (hidden[rows] * torch.linspace(-1, 1, 16)).sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in layers_of(model).parameters()]))
    exact, found = gradients
    assert torch.nn.functional.cosine_similarity(exact, found, dim=0) > 0.999


class TestRefusals:
    def test_no_head(self):
        """Attribute errors do not say which model lacks what."""
        with pytest.raises(ModelError, match="BertModel has no head, so it gives no logits"):
            observe(make("bert"), batch(), Needs(logits="all"))

    def test_a_layer_that_is_not_there(self):
        """A missing signal would surface as a KeyError inside an objective."""
        with pytest.raises(ModelError, match="layer 4 of BertModel was asked for, which has layers 1 to 3"):
            observe(make("bert"), batch(), Needs(hidden=frozenset({4})))

    def test_attention_outside_the_interface(self):
        """A layer with its own attention code would be skipped in silence."""

        class Own(nn.Module):
            def forward(self, hidden, *args, **kwargs):
                return hidden

        model = make("bert")
        layers_of(model)[1] = Own()
        with pytest.raises(ModelError, match="layer 2 of BertModel computes its attention outside"):
            observe(model, batch(), Needs(hidden=frozenset({3}), attention=frozenset({2})))
