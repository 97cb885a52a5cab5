import pytest
import torch

from limbeck.models.freezing import frozen_parts
from limbeck.models.loading import load_model, save_model
from limbeck.models.observing import observe
from limbeck.models.task_heads import IMPOSSIBLE, head_of, labels_of, task_config
from limbeck.objectives.hard_labels import HardLabels
from limbeck.objectives.soft_labels import SoftLabels
from limbeck.signals import UNKNOWN, Batch, Needs, Outputs
from tiny_encoders import FAMILIES, config_of, model_of

HEADS = {"tags": ["O", "B-X", "I-X"], "class": ["bad", "good", "odd"], "value": [], "span": []}
AUTO = {"tags": "TokenClassification", "span": "QuestionAnswering"}
READ = Needs(logits="selected")


def _batch(**asked) -> Batch:
    ids = torch.tensor([[5, 6, 7, 8, 9], [5, 9, 8, 0, 0]])
    return Batch(ids, torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]), **asked)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_gets_every_head(make, tokenizer, tmp_path, name, head):
    """A student of another family would train for hours and then have nothing to answer with."""
    save_model(make(name), tokenizer, tmp_path)
    model = load_model(str(tmp_path), head=head, labels=HEADS[head])
    assert head_of(model.config) == head or head_of(task_config(model.config, head)) == head
    assert model.config.num_labels == {"value": 1, "span": 2}.get(head, 3)
    save_model(model, tokenizer, tmp_path / "again")
    again = load_model(str(tmp_path / "again"), head=head, labels=HEADS[head])
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())
    assert head_of(again.config) == head


@pytest.mark.parametrize("name", FAMILIES)
def test_what_a_head_reads_is_trained(name):
    """A pooler that stays as it fell, between a trained encoder and a trained classifier, costs points for ever."""
    for head in HEADS:
        model = model_of(
            name, "ForQuestionAnswering" if head == "span" else f"For{AUTO.get(head, 'SequenceClassification')}"
        )
        found = observe(model, _batch(labels=torch.zeros(2, 5, dtype=torch.long)), READ).logits
        assert found is not None
        found.square().sum().backward()
        frozen = {each for parts in frozen_parts(model, READ).values() for each in parts}
        assert {key for key, value in model.named_parameters() if value.grad is not None}.isdisjoint(frozen)


def test_logits_of_whole_texts(make):
    """Logits cut out at token positions would be of other texts."""
    model = make("bert", "ForSequenceClassification", num_labels=3)
    batch = _batch(answers=torch.tensor([[2], [UNKNOWN]]))
    logits = observe(model, batch, READ).logits
    assert torch.allclose(logits, model(batch.input_ids, attention_mask=batch.attention_mask).logits, atol=1e-6)
    assert torch.equal(observe(model, batch, Needs(logits="all")).logits, logits)


def test_logits_of_places(make):
    """An answer that may begin in the question, or in padding, trains the model to say so."""
    model = make("bert", "ForQuestionAnswering")
    choices = torch.tensor([[1, 0, 0, 1, 1], [1, 1, 0, 0, 0]])
    logits = observe(model, _batch(answers=torch.tensor([[3, 4], [0, 0]]), choices=choices), READ).logits
    plain = model(_batch().input_ids, attention_mask=_batch().attention_mask)
    expected = torch.cat([plain.start_logits, plain.end_logits])
    assert torch.allclose(logits[choices.repeat(2, 1) == 1], expected[choices.repeat(2, 1) == 1], atol=1e-6)
    assert (logits[choices.repeat(2, 1) == 0] == IMPOSSIBLE).all()


def test_both_ends_of_an_answer_by_hand():
    """The labels of the ends in another order than their logits would train every start towards an end."""
    batch = _batch(answers=torch.tensor([[3, 4], [0, UNKNOWN]]))
    assert batch.targets.tolist() == [3, 0, 4, UNKNOWN]
    logits = torch.zeros(4, 5)
    logits[0, 3] = 1.0
    hard = HardLabels()
    assert hard.count(batch) == 3
    first = -torch.log_softmax(logits[0], 0)[3]
    expected = first + 2 * torch.log(torch.tensor(5.0))
    assert hard.total(Outputs(logits=logits), None, batch).item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_teacher_is_heard_where_nobody_knows():
    """Text without labels teaches only if the teacher's answer counts there, and a made-up label does not."""
    batch = _batch(answers=torch.tensor([[UNKNOWN], [UNKNOWN]]))
    ours, theirs = torch.zeros(2, 3), torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    soft = SoftLabels(temperature=1.0)
    assert soft.count(batch) == 2
    assert soft.total(Outputs(logits=ours), Outputs(logits=theirs), batch) > 0.1
    assert HardLabels().count(batch) == 0
    assert HardLabels().total(Outputs(logits=ours), None, batch) == 0


def test_impossible_places_weigh_nothing():
    """Infinite logits on both sides make the divergence NaN."""
    ours = torch.tensor([[0.0, 1.0, IMPOSSIBLE]], requires_grad=True)
    theirs = torch.tensor([[1.0, 0.0, IMPOSSIBLE]])
    batch = Batch(torch.ones(1, 3, dtype=torch.long), torch.ones(1, 3), answers=torch.tensor([[1]]))
    total = SoftLabels(temperature=2.0).total(Outputs(logits=ours), Outputs(logits=theirs), batch)
    total.backward()
    assert torch.isfinite(total)
    assert ours.grad[0, 2] == 0


def test_a_hub_models_own_answers_are_kept(make, tokenizer, tmp_path):
    """A question-answering model names its two outputs as it likes; a new head would throw its training away."""
    model = make("bert", "ForQuestionAnswering")
    save_model(model, tokenizer, tmp_path)
    assert torch.equal(load_model(str(tmp_path), head="span").qa_outputs.weight, model.qa_outputs.weight)
    assert labels_of(config_of("bert")) == ["LABEL_0", "LABEL_1"]
