import pytest
import torch
from transformers import AutoModelForMaskedLM, BertConfig, BertForTokenClassification, DebertaV2Config

from limbeck.models.families import encoder_of
from limbeck.models.heads import with_mlm_head
from limbeck.models.rows import only_rows

SHAPE = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
IDS = torch.tensor([[2, 7, 9, 3], [2, 11, 3, 0]])
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])


@pytest.fixture
def make_model():
    """Makes the same model every time."""

    def make() -> BertForTokenClassification:
        torch.manual_seed(0)
        return BertForTokenClassification(BertConfig(**SHAPE, num_labels=3)).eval()

    return make


def train(model, updates: int = 3) -> None:
    """A few updates on the same batch."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(updates):
        model(input_ids=IDS, attention_mask=MASK, labels=torch.zeros_like(IDS)).loss.backward()
        optimiser.step()
        optimiser.zero_grad()


def test_training_few_rows_equals_training_all(make_model):
    """A faster training that gives other weights would be another method under the same name."""
    plain, compact = make_model(), make_model()
    train(plain)
    with only_rows(compact, IDS):
        train(compact)
    for (name, expected), (_, found) in zip(plain.named_parameters(), compact.named_parameters(), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0, msg=name)


def test_only_used_rows_are_held_while_training(make_model):
    """If all rows were still there, the optimiser would go on reading and writing all of them."""
    model = make_model()
    name = "bert.embeddings.word_embeddings.weight"
    with only_rows(model, IDS):
        assert dict(model.named_parameters())[name].shape == (len(IDS.unique()), 16)
    assert dict(model.named_parameters())[name].shape == (50, 16)


def test_rows_come_back_when_training_fails(make_model):
    """An interrupted training would leave a model that knows six words."""
    model = make_model()
    with pytest.raises(RuntimeError, match="stop"), only_rows(model, IDS):
        raise RuntimeError("stop")
    assert encoder_of(model).get_input_embeddings().num_embeddings == 50


def test_an_unknown_id_is_refused(make_model):
    """A wrong vector in place of a missing one would train on noise without a word."""
    model = make_model()
    with only_rows(model, IDS), pytest.raises((IndexError, RuntimeError)):
        model(input_ids=torch.tensor([[2, 40, 3]]))


def test_shared_and_frozen_embeddings_stay_whole(make_model):
    """A masked-LM decoder reads every row; a frozen table has no gradient to save."""
    tied = with_mlm_head(make_model())
    with only_rows(tied, IDS):
        assert encoder_of(tied).get_input_embeddings().weight.shape[0] == 50
    deberta = AutoModelForMaskedLM.from_config(DebertaV2Config(**SHAPE, legacy=False))
    with only_rows(deberta, IDS):  # its head is handed the words, and shares no parameter with them
        assert deberta(input_ids=IDS).logits.shape[-1] == 50
    frozen = make_model()
    frozen.requires_grad_(False)
    with only_rows(frozen, IDS):
        assert encoder_of(frozen).get_input_embeddings().weight.shape[0] == 50


def test_a_decoder_that_nobody_reads_does_not_keep_all_rows():
    """A multilingual student that keeps its head for later would pay for 120,000 words at every update."""
    model = with_mlm_head(BertForTokenClassification(BertConfig(**SHAPE)))
    before = model.get_input_embeddings().weight.clone()
    with only_rows(model, IDS, decoder_read=False) as write_back:
        assert encoder_of(model).get_input_embeddings().weight.shape == (len(IDS.unique()), 16)
        assert not model.get_output_embeddings().weight.requires_grad
        encoder_of(model).get_input_embeddings().weight.data.add_(1)
        write_back()
        torch.testing.assert_close(model.get_output_embeddings().weight[IDS.unique()], before[IDS.unique()] + 1)
    after = model.get_input_embeddings().weight
    assert after is model.get_output_embeddings().weight
    assert after.requires_grad
    torch.testing.assert_close(after[IDS.unique()], before[IDS.unique()] + 1)
    assert torch.equal(after[1], before[1])
