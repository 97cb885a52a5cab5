import pytest

from limbeck.models.families import embedding_parameters
from limbeck.models.freezing import frozen, frozen_parts, parts_frozen_in
from limbeck.models.heads import described
from limbeck.signals import Needs

HIDDEN = Needs(hidden=frozenset({4}))
LOGITS = Needs(logits="selected")


def _untrained(model):
    return {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


@pytest.mark.parametrize("head", ["", "ForMaskedLM", "ForTokenClassification"])
def test_nothing_that_is_read_is_frozen(make, family, head):
    """A frozen layer learns nothing, and no audit would notice."""
    model = make(family, head)
    with frozen(model, HIDDEN) as parts:
        assert not any("layer" in name and "layer_norm" not in name for name in _untrained(model) if "lm" not in name)
        assert set(embedding_parameters(model)).isdisjoint(_untrained(model))
    assert set(parts) <= {"mlm", "classifier", "pooler", "final norm"}
    assert ("final norm" in parts) == (family == "modernbert")


@pytest.mark.parametrize("head", ["", "ForMaskedLM", "ForTokenClassification"])
def test_logits_read_every_head_but_the_pooler(make, family, head):
    """A head that is frozen although its logits are matched keeps its random weights."""
    with frozen(make(family, head), LOGITS) as parts:
        assert set(parts) <= {"pooler"}


def test_judging_pairs_trains_the_pooler_and_its_head_alone(make):
    """A pooler that stays frozen under a head that learns gives that head a reading made for another."""
    model = make("bert", "ForPreTraining")
    assert list(frozen_parts(model, HIDDEN)) == ["mlm", "next sentence", "pooler"]
    assert list(frozen_parts(model, LOGITS)) == ["next sentence", "pooler"]
    assert list(frozen_parts(model, Needs(pairs=True))) == ["mlm"]
    assert list(frozen_parts(model, LOGITS | Needs(pairs=True))) == []
    assert parts_frozen_in(described(model), HIDDEN) == ["mlm", "next sentence", "pooler"]


def test_all_before_layer_one_is_frozen_with_the_embeddings(make):
    """ELECTRA's projection left to train would undo what frozen embeddings are for."""
    model = make("electra", "ForMaskedLM")
    with frozen(model, HIDDEN, embeddings=True) as parts:
        assert parts[0] == "embeddings"
        assert "electra.embeddings_project.weight" in _untrained(model)
        assert model.get_output_embeddings().weight.requires_grad is False


def test_afterwards_everything_is_as_trainable_as_before(make):
    """A student that stays frozen would be fine-tuned with dead embeddings by whoever loads it into a loop."""
    model = make("bert", "ForMaskedLM")
    model.get_parameter("cls.predictions.bias").requires_grad_(False)
    with pytest.raises(KeyboardInterrupt), frozen(model, HIDDEN, embeddings=True):
        raise KeyboardInterrupt
    assert _untrained(model) == {"cls.predictions.bias"}


@pytest.mark.parametrize("head", ["", "ForMaskedLM"])
def test_the_forecast_names_what_the_training_freezes(make, family, head):
    """A plan that says otherwise than the run is no plan."""
    model = make(family, head)
    model.config.architectures = [type(model).__name__]
    assert parts_frozen_in(model.config, HIDDEN, embeddings=True) == list(frozen_parts(model, HIDDEN, embeddings=True))
