import pytest
import torch
import transformers
from transformers.models.deberta_v2.modeling_deberta_v2 import DebertaV2Layer

from limbeck.errors import ModelError
from limbeck.models.families import depth_of, encoder_of, family_of, layers_of
from limbeck.models.surgery import keep_layers

HEADS = ("", "ForMaskedLM", "ForTokenClassification", "ForSequenceClassification", "ForQuestionAnswering")
KEPT = ([1], [1, 2, 3, 4], [1, 4])
OTHER_KEPT = ([2, 4], [3, 4], [4, 1])


class _Skipped(torch.nn.Module):
    """Stands where a layer was and hands on what it gets."""

    def __init__(self, original):
        super().__init__()
        self.attention_type = getattr(original, "attention_type", None)
        self.pair = isinstance(original, DebertaV2Layer)

    def forward(self, hidden_states, *args, **kwargs):
        return (hidden_states, None) if self.pair else hidden_states


def _possible(model, layers):
    """As many layers, where the family leaves no choice of which."""
    return list(range(1, len(layers) + 1)) if family_of(model).shares_layers else layers


def _run_only(model, layers, batch):
    """What the original computes when only `layers` run, in that order: its own code, other layers stepped over."""
    if family_of(model).shares_layers:
        return _applied(model, len(layers), batch)
    modules = layers_of(model)
    originals = list(modules)
    for place in range(len(originals)):
        if place < len(layers):
            modules[place] = originals[layers[place] - 1]
        else:
            modules[place] = _Skipped(originals[place])
    try:
        return _first_output(model, batch)
    finally:
        for place, module in enumerate(originals):
            modules[place] = module


def _applied(model, times, batch):
    """What the original computes when its one layer is applied that often."""
    depth = model.config.num_hidden_layers
    model.config.num_hidden_layers = times
    try:
        return _first_output(model, batch)
    finally:
        model.config.num_hidden_layers = depth


def _first_output(model, batch):
    with torch.inference_mode():
        return model(**batch)[0]


def _assert_same(model, layers, batch):
    cut = keep_layers(model, layers)
    expected = _run_only(model, layers, batch)
    torch.testing.assert_close(_first_output(cut, batch), expected, rtol=0, atol=1e-6)
    return cut


@pytest.mark.parametrize(
    ("head", "layers"), [*((head, [1, 3, 4]) for head in HEADS), *(("ForMaskedLM", layers) for layers in KEPT)], ids=str
)
def test_outputs_are_those_of_the_kept_layers(make, family, head, layers, batch):
    """A student that starts from other layers than the recipe says loses what surgery was to keep."""
    model = make(family, head)
    layers = _possible(model, layers)
    before = _first_output(model, batch)
    cut = _assert_same(model, layers, batch)
    assert depth_of(cut.config) == len(layers)
    assert type(cut) is type(model)
    torch.testing.assert_close(_first_output(model, batch), before, rtol=0, atol=0)
    assert depth_of(model.config) == 4


@pytest.mark.parametrize("layers", OTHER_KEPT, ids=str)
@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "xlm-roberta", "electra", "deberta-v2"])
def test_the_first_layer_may_go(make, kind, layers, batch):
    """Keeping the top layers must not quietly start from the bottom."""
    _assert_same(make(kind, "ForMaskedLM"), layers, batch)


@pytest.mark.parametrize("layers", OTHER_KEPT, ids=str)
def test_a_modernbert_keeps_its_first_layer(make, layers):
    """Its layer 1 alone has no attention norm; plain transformers would drop or invent one without an error."""
    with pytest.raises(ModelError, match=r"this modernbert has to keep.* no normalisation .*keep for example \[1, "):
        keep_layers(make("modernbert"), layers)


@pytest.mark.parametrize("layers", [*OTHER_KEPT, [1, 4]], ids=str)
def test_an_albert_has_no_layers_to_choose_from(make, layers):
    """All its layers are one: a student of its "top" layers would be one of its bottom ones, under another name."""
    with pytest.raises(ModelError, match=r"applies one layer 4 times, .*leave out which, as in layers: {keep:"):
        keep_layers(make("albert"), layers)


@pytest.mark.parametrize("head", ["", "ForMaskedLM"])
def test_a_deberta_with_a_convolution_keeps_its_first_layer(make, head, batch):
    """The convolution follows whichever layer comes first: after another layer, it is trained for nothing there."""
    model = make("deberta-v2", head, conv_kernel_size=3, legacy=False)
    _assert_same(model, [1, 3], batch)
    with pytest.raises(ModelError, match=r"this deberta-v2 has to keep its layer 1 .*convolution.*found \[2, 3\]"):
        keep_layers(model, [2, 3])


@pytest.mark.parametrize("head", HEADS)
def test_plain_transformers_loads_the_result(make, family, head, batch, tmp_path):
    """A model that only Limbeck can load is of no use to anyone else."""
    model = make(family, head)
    cut = keep_layers(model, _possible(model, [1, 3, 4]))
    cut.save_pretrained(tmp_path)
    auto = getattr(transformers, f"AutoModel{head}")
    again, found = auto.from_pretrained(tmp_path, output_loading_info=True)
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    torch.testing.assert_close(_first_output(again.eval(), batch), _first_output(cut, batch), rtol=0, atol=1e-6)


def test_layers_are_numbered_anew(make, family):
    """A layer that still thinks it is layer 4 writes to the wrong place where layers are told apart by number."""
    model = make(family)
    cut = keep_layers(model, _possible(model, [1, 3, 4]))
    for place, layer in enumerate(layers_of(cut)):
        numbers = {module.layer_idx for module in layer.modules() if hasattr(module, "layer_idx")}
        assert numbers <= {place, None}


def test_nothing_is_shared_with_the_original_and_ties_are_kept(make, family):
    """A student that shares tensors with its teacher would train the teacher."""
    model = make(family, "ForMaskedLM")
    cut = keep_layers(model, [1, 2])
    theirs = {parameter.data_ptr() for parameter in model.parameters()}
    assert not theirs & {parameter.data_ptr() for parameter in cut.parameters()}
    assert cut.get_output_embeddings().weight is encoder_of(cut).get_input_embeddings().weight


def test_an_untied_decoder_stays_untied(make, batch):
    """Tying a decoder that was trained apart replaces it by the embeddings."""
    model = make("bert", "ForMaskedLM", tie_word_embeddings=False)
    cut = keep_layers(model, [1, 2, 3, 4])
    torch.testing.assert_close(_first_output(cut, batch), _first_output(model, batch), rtol=0, atol=0)
    assert cut.get_output_embeddings().weight is not encoder_of(cut).get_input_embeddings().weight


def test_frozen_parameters_and_the_mode_are_kept_and_no_random_number_drawn(make):
    """A cut that moves the random generator changes every run after it."""
    model = make("bert").train()
    model.embeddings.word_embeddings.weight.requires_grad_(False)
    state = torch.get_rng_state()
    cut = keep_layers(model, [1, 4])
    assert torch.equal(torch.get_rng_state(), state)
    assert cut.training
    assert not cut.embeddings.word_embeddings.weight.requires_grad
    assert cut.encoder.layer[1].output.dense.weight.requires_grad


def test_a_missing_pooler_stays_missing(make, batch):
    """A pooler made up at random would pass for a trained one."""
    model = make("bert")
    model.pooler = None
    assert keep_layers(model, [1, 2])(**batch).pooler_output is None


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "among 1 to 4; found none"),
        ([1, 5], "among 1 to 4; found 5"),
        ([0, 1], "among 1 to 4; found 0"),
        ([1, 2, 2], r"kept once; found \[1, 2, 2\]"),
    ],
)
def test_layers_that_are_not_there_are_refused(make, layers, message):
    """Layer 0 is the embeddings; taken as an index it would keep the last layer."""
    with pytest.raises(ModelError, match=message):
        keep_layers(make("bert"), layers)
