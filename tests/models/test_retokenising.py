import pytest
import torch

from limbeck.errors import ModelError
from limbeck.models.heads import has_mlm_head
from limbeck.models.retokenising import retokenised

PIECES = [[0], [5], [6, 8], [], [59]]


def test_rows_by_hand(make):
    """Rows of other tokens would make a model that reads one word and means another."""
    model = make("bert", "ForMaskedLM")
    before = model.get_input_embeddings().weight.detach().clone()
    after = retokenised(model, PIECES, {"pad_token_id": 0})
    rows = after.get_input_embeddings().weight
    assert torch.equal(rows[:2], before[[0, 5]])
    assert torch.allclose(rows[2], before[[6, 8]].mean(0))
    assert torch.allclose(rows[3], before.mean(0))
    assert rows.shape[0] == after.config.vocab_size == 5
    assert torch.equal(model.get_input_embeddings().weight, before)


def test_the_same_tokens_in_another_order_are_the_same_model(make, family, batch):
    """A head that keeps the old order fills masks with other words."""
    model = make(family, "ForMaskedLM")
    pad = model.config.pad_token_id
    order = [pad, *reversed([number for number in range(60) if number != pad])] if pad == 0 else list(range(60))
    after = retokenised(model, [[number] for number in order], {})
    assert has_mlm_head(after)
    new = torch.tensor([order.index(number) for number in range(60)])
    with torch.no_grad():
        theirs = model(**batch).logits
        ours = after(**{**batch, "input_ids": new[batch["input_ids"]]}).logits
    assert torch.allclose(ours[..., new], theirs, atol=1e-5)


def test_a_decoder_goes_on_sharing_the_embeddings(make):
    """Two tables where there was one: the file grows, and only one of them is trained."""
    after = retokenised(make("bert", "ForMaskedLM"), PIECES, {})
    assert after.get_output_embeddings().weight is after.get_input_embeddings().weight


def test_positions_that_follow_the_padding(make):
    """A RoBERTa whose padding has another number reads every position one off."""
    with pytest.raises(ModelError, match=r"roberta numbers positions from its padding token, 1, and .* has 0 for it"):
        retokenised(make("roberta"), PIECES, {"pad_token_id": 0})
