from dataclasses import replace

import pytest
import torch

from limbeck.models.observing import observe
from limbeck.models.reading import losses_at_masks, read
from limbeck.signals import Batch, Needs


def _batch(seed: int, sequences: int, length: int) -> Batch:
    """Ordinary words, the last two of each second sequence padding, about a third of the rest masked."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, 60, (sequences, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[1::2, -2:] = 0
    labels = torch.where((torch.rand(ids.shape, generator=generator) < 0.3) & (mask == 1), ids, -100)
    labels[0, 1] = ids[0, 1]
    return Batch(torch.where(labels != -100, 4, ids), mask, labels)


def _words(batch: Batch) -> list[list[int]]:
    return [row[kept.bool()].tolist() for row, kept in zip(batch.input_ids, batch.attention_mask, strict=True)]


BATCHES = [_batch(1, 11, 9), _batch(2, 3, 6)]


def test_vectors_are_those_of_each_sentence_alone(make, family):
    """A vector that depends on padding, masks or neighbours compares batches and not sentences."""
    model = make(family).eval()
    with torch.no_grad():
        vectors = read(model, BATCHES).vectors
        sentences = [words for batch in BATCHES for words in _words(batch.unmasked)]
        assert len(vectors) == len(sentences)
        for vector, words in zip(vectors, sentences, strict=True):
            ids = torch.tensor([words])
            alone = observe(model, Batch(ids, torch.ones_like(ids)), Needs(hidden=frozenset({4}))).hidden[4]
            assert torch.tensor(vector) == pytest.approx(alone[0].mean(0), abs=1e-5)


def test_the_loss_of_filling_masks_is_transformers_own(make, family):
    """Averaged over batches or pieces, a student with the same answers would seem to differ from its teacher."""
    model = make(family, "ForMaskedLM").eval()
    total, count = 0.0, 0
    with torch.no_grad():
        found = read(model, BATCHES).mlm_loss
        for batch in BATCHES:
            n = int((batch.labels != -100).sum())
            out = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.labels)
            total, count = total + n * float(out.loss), count + n
    assert found == pytest.approx(total / count, rel=1e-5)


def test_losses_at_masks_are_those_of_hidden_tokens_alone(make, family):
    """A token left in sight is easily told, and a model that learned nothing else would seem to have learned."""
    model = make(family, "ForMaskedLM").eval()
    shown = [replace(batch, input_ids=batch.unmasked.input_ids) for batch in BATCHES]
    with torch.no_grad():
        found = losses_at_masks(model, [*shown, *BATCHES], 4)
        total = read(model, BATCHES).mlm_loss * len(found.losses)
        nothing = losses_at_masks(model, shown, 4)
    assert float(found.losses.sum()) == pytest.approx(total, rel=1e-4)
    assert found.labels.tolist() == [
        label for batch in BATCHES for label in batch.labels[batch.labels != -100].tolist()
    ]
    rows = [
        14 + 11 * number + row for number, batch in enumerate(BATCHES) for row, _ in (batch.labels != -100).nonzero()
    ]
    assert found.sequences.tolist() == [int(row) for row in rows]
    assert len(nothing.losses) == 0


def test_without_a_head_or_a_mask_there_is_no_such_loss(make):
    """0 / 0 would stop a training that is only looked at."""
    bare = [batch.unmasked for batch in BATCHES]
    with torch.no_grad():
        assert read(make("bert"), BATCHES).mlm_loss is None
        assert read(make("bert", "ForMaskedLM"), bare).mlm_loss is None


def test_unmasking_gives_the_text_back():
    """A comparison on text with holes in it says how students guess, not what they make of a sentence."""
    ids = torch.tensor([[2, 7, 8, 9, 3]])
    masked = Batch(torch.tensor([[2, 4, 8, 11, 3]]), torch.ones_like(ids), torch.tensor([[-100, 7, -100, 9, -100]]))
    assert torch.equal(masked.unmasked.input_ids, ids)
    assert masked.unmasked.labels is None
    assert masked.unmasked.unmasked is not masked
    assert torch.equal(masked.input_ids, torch.tensor([[2, 4, 8, 11, 3]])), "the batch itself was changed"


@pytest.mark.parametrize("size", [1, 2, 4, 5, 100])
def test_pieces_put_together_are_the_batch(size):
    """A row lost between two pieces would not be missed by anybody."""
    batch = _batch(3, 5, 7)
    pieces = list(batch.pieces(size))
    assert max(len(piece.input_ids) for piece in pieces) <= size
    for name in ("input_ids", "attention_mask", "labels"):
        assert torch.equal(torch.cat([getattr(piece, name) for piece in pieces]), getattr(batch, name))
    assert [piece.labels for piece in batch.unmasked.pieces(2)] == [None] * 3
