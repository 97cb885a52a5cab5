import pytest
import torch
from transformers import AutoModelForMaskedLM

from limbeck.models.counting import count
from limbeck.models.families import embedding_parameters, encoder_of, projection_of
from limbeck.models.heads import has_mlm_head, head_parameters, masked_lm_config, mlm_logits, with_mlm_head


def test_logits_at_selected_positions_equal_the_whole_model(make, family, batch):
    """A head applied differently from the model's own would distil towards logits that nobody predicts."""
    model = make(family, "ForMaskedLM")
    out = model(**batch, output_hidden_states=True)
    selected = torch.zeros_like(batch["input_ids"], dtype=torch.bool)
    selected[0, [1, 4]] = selected[1, 2] = True
    logits_NV = mlm_logits(model, out.hidden_states[-1][selected])
    torch.testing.assert_close(logits_NV, out.logits[selected], rtol=0, atol=1e-6)


def test_a_new_head_shares_the_encoder_and_predicts_alike_after_loading(make, family, batch, tmp_path):
    """A copied encoder would be trained while the caller's model stays as it was."""
    encoder = make(family)
    model = with_mlm_head(encoder)
    assert has_mlm_head(model)
    assert not has_mlm_head(encoder)
    shared = {id(parameter) for parameter in encoder.parameters()}
    assert {id(parameter) for parameter in encoder_of(model).parameters()} <= shared
    assert model.get_output_embeddings().weight is encoder.get_input_embeddings().weight
    expected = encoder(**batch).last_hidden_state
    torch.testing.assert_close(encoder_of(model)(**batch).last_hidden_state, expected, rtol=0, atol=0)
    model.save_pretrained(tmp_path)
    again = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(**batch).logits, model(**batch).logits, rtol=0, atol=1e-6)


def test_a_new_head_leaves_one_configuration(make, family):
    """An encoder that reads a configuration of its own does not hear how it is to attend: twice the time."""
    model = with_mlm_head(make(family))
    model.set_attn_implementation("eager")
    assert {id(module.config) for module in model.modules() if hasattr(module, "config")} == {id(model.config)}


def test_recording_hidden_states_of_one_does_not_disturb_the_other(make, family, batch):
    """Two models over the same modules would each record every layer twice."""
    encoder = make(family)
    assert len(encoder(**batch, output_hidden_states=True).hidden_states) == 5
    model = with_mlm_head(encoder)
    assert len(model(**batch, output_hidden_states=True).hidden_states) == 5
    assert len(encoder(**batch, output_hidden_states=True).hidden_states) == 5


def test_a_new_head_is_the_same_every_time(make, family):
    """A control whose head starts elsewhere on every run is no control."""
    one, two = (with_mlm_head(make(family)).state_dict() for _ in range(2))
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


def test_a_new_head_starts_from_what_the_embeddings_know(make, family):
    """A head that starts by guessing at random spends the control's updates on unlearning."""
    model = with_mlm_head(make(family))
    encoder = encoder_of(model)
    words = encoder.get_input_embeddings().weight[5:40]
    if (projection := projection_of(encoder)) is not None:
        words = projection(words)
    guessed = mlm_logits(model, words).argmax(-1)
    assert (guessed == torch.arange(5, 40)).float().mean() > 0.5


@pytest.mark.parametrize("changes", [{"legacy": False}, {"embedding_size": 8}], ids=str)
def test_the_heads_of_a_deberta(make, changes, batch, tmp_path):
    """One holds no decoder and is handed the words; embeddings may be narrow: each starts from them all the same."""
    encoder = make("deberta-v2", **changes)
    model, encoder_words = with_mlm_head(encoder), encoder.get_input_embeddings()
    words = encoder_words.weight[5:40]
    words = encoder.embeddings.embed_proj(words) if "embedding_size" in changes else words
    guessed = mlm_logits(model, words).argmax(-1)
    assert (guessed == torch.arange(5, 40)).float().mean() > 0.5
    selected = batch["attention_mask"].bool()
    hidden_NH, logits = encoder(**batch).last_hidden_state[selected], model(**batch).logits
    torch.testing.assert_close(mlm_logits(model, hidden_NH), logits[selected], rtol=0, atol=1e-5)
    model.save_pretrained(tmp_path)
    again = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(**batch).logits, logits, rtol=0, atol=1e-6)
    assert set(head_parameters(model)) == {"mlm"}
    assert count(masked_lm_config(encoder.config)) == count(model)


def test_the_configuration_with_a_head_is_known_before_it_is_made(make, family):
    """A plan without the head would promise a control smaller than the one that is trained."""
    encoder = make(family)
    assert count(masked_lm_config(encoder.config)) == count(with_mlm_head(encoder))


def test_a_model_with_a_head_is_left_alone(make):
    """A second head would throw away the trained one."""
    model = make("bert", "ForMaskedLM")
    assert with_mlm_head(model) is model


@pytest.mark.parametrize(
    ("head", "expected"),
    [("ForMaskedLM", "mlm"), ("ForTokenClassification", "classifier"), ("ForQuestionAnswering", "classifier")],
)
def test_every_parameter_is_of_the_body_or_of_one_head(make, family, head, expected):
    """A head that nothing reads gets no gradient, and the audit stops a training that could not freeze it."""
    model = make(family, head)
    found = head_parameters(model)
    assert set(found) == {expected}
    outside = {id(model.get_parameter(name)) for name in found[expected]}
    body = {id(parameter) for parameter in encoder_of(model).parameters()}
    assert outside | body == {id(parameter) for parameter in model.parameters()}
    assert not outside & body
    assert not set(found[expected]) & set(embedding_parameters(model))


def test_the_pooler_counts_as_a_head(make):
    """Distillation never reads the pooler, yet it stands inside the encoder."""
    assert head_parameters(make("bert")) == {"pooler": ["pooler.dense.weight", "pooler.dense.bias"]}
    assert head_parameters(make("electra")) == {}
    both = head_parameters(make("bert", "ForSequenceClassification"))
    assert both == {
        "pooler": ["bert.pooler.dense.weight", "bert.pooler.dense.bias"],
        "classifier": ["classifier.weight", "classifier.bias"],
    }
