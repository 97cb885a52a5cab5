import random

import pytest
import torch

import tiny_tokenizers
from limbeck.errors import ModelError
from limbeck.models import filling
from limbeck.models.filling import Blank, proposals, whole_words
from limbeck.models.observing import observe
from limbeck.signals import Outputs
from tiny_encoders import model_of
from tiny_world import sentence

TEXTS = ["the old house by the river", "a green garden and the river", "Who lives in the house"] * 5


def _blank(text, word):
    start = text.index(word)
    return Blank(text, start, start + len(word))


class _Counting:
    """Says the token ids themselves, so that the last of the vocabulary is the likeliest, and remembers its batches."""

    def __init__(self, size):
        self.size = size
        self.batches = []

    def __call__(self, batch, needs):
        self.batches.append(batch)
        return Outputs(logits=torch.arange(self.size).float().expand(len(batch.input_ids), -1))


@pytest.mark.parametrize("kind", tiny_tokenizers.KINDS)
def test_words_are_whole_in_every_kind_of_vocabulary(kind):
    """A piece of a word put in a word's place is none: "ing" for "house"."""
    generator = random.Random(0)
    texts = [sentence(generator) for _ in range(300)]
    tokenizer = tiny_tokenizers.KINDS[kind](texts, 500)
    found = whole_words(tokenizer)
    assert "house" in found.values()
    assert all(text.isalpha() for text in found.values())
    for number, text in found.items():
        assert tokenizer(f"the {text}", add_special_tokens=False)["input_ids"][-1] == number


def test_one_word_is_masked_at_a_time():
    """Two masks at once, and a model guesses each without the other."""
    tokenizer = tiny_tokenizers.bert(TEXTS, 120)
    model = _Counting(len(tokenizer))
    text = TEXTS[0]
    found = proposals(model, tokenizer, [_blank(text, word) for word in ("old", "house")], 3)
    assert [len(words) for words in found] == [3, 3]
    (batch,) = model.batches
    masks = batch.input_ids == tokenizer.mask_token_id
    assert masks.sum(-1).tolist() == [1, 1]
    assert torch.equal(masks, batch.labels == 0)
    whole = tokenizer(text)["input_ids"]
    assert [row[masks[n]].item() for n, row in enumerate(torch.tensor([whole, whole]))] == [
        tokenizer.convert_tokens_to_ids(word) for word in ("old", "house")
    ]


def test_the_likeliest_come_first_without_the_word_itself():
    """A word replaced by itself is no copy of anything."""
    tokenizer = tiny_tokenizers.bert(TEXTS, 120)
    words = whole_words(tokenizer)
    last = words[max(words)]
    text = f"the {last} by"
    found = proposals(_Counting(len(tokenizer)), tokenizer, [_blank(text, last)], 4)[0]
    assert found == tuple(words[number] for number in sorted(words, reverse=True)[1:5])
    assert last not in found


def test_a_word_of_several_tokens_gets_none():
    """One token in the place of three would be another text; the paper has word vectors for these, we have none."""
    tokenizer = tiny_tokenizers.bert(TEXTS, 120)
    text = "the houseriver by the house"
    assert proposals(_Counting(len(tokenizer)), tokenizer, [_blank(text, "houseriver"), _blank(text, "by")], 2)[0] == ()


def test_a_capital_stays():
    """A tagger knows names by their capitals; an uncased masked LM proposes none."""
    tokenizer = tiny_tokenizers.bert(TEXTS, 120)
    found = proposals(_Counting(len(tokenizer)), tokenizer, [_blank(TEXTS[2], "Who")], 5)[0]
    assert found
    assert all(word[0].isupper() for word in found)


def test_a_long_text_is_read_around_the_word(monkeypatch):
    """A context of 300 words for each of its words is 300 times 300; cut wrongly, the mask is not in it."""
    monkeypatch.setattr(filling, "LENGTH", 12)
    tokenizer = tiny_tokenizers.bert(TEXTS, 120)
    text = " ".join(["the river"] * 40 + ["house"] + ["a garden"] * 40)
    blanks = [_blank(text, word) for word in ("the", "house")] + [Blank(text, len(text) - 6, len(text))]
    model = _Counting(len(tokenizer))
    assert all(proposals(model, tokenizer, blanks, 2))
    (batch,) = model.batches
    assert batch.input_ids.shape == (3, 12)
    assert (batch.input_ids[:, 0] == tokenizer.cls_token_id).all()
    assert (batch.input_ids[:, -1] == tokenizer.sep_token_id).all()
    assert ((batch.input_ids == tokenizer.mask_token_id).sum(-1) == 1).all()


def test_batches_change_nothing(monkeypatch):
    """Padding that is read, or rows given back in another order, would put words where they do not belong."""
    tokenizer = tiny_tokenizers.bert(TEXTS, 120)
    model = model_of("bert", "ForMaskedLM", vocab_size=len(tokenizer))
    blanks = [_blank(text, word) for text, word in zip(TEXTS, ("old", "garden", "lives"), strict=False)] * 3

    def found():
        return proposals(lambda batch, needs: observe(model, batch, needs), tokenizer, blanks, 5)

    with torch.no_grad():
        together = found()
        monkeypatch.setattr(filling, "_TOKENS", 1)
        monkeypatch.setattr(filling, "_TEXTS_AT_ONCE", 1)
        assert found() == together
    assert together[:3] == together[3:6]
    assert len(set(together[:3])) == 3


def test_a_tokenizer_without_a_mask_is_refused():
    """Nothing can be masked by None, and the error of the tensor library would not say why."""
    tokenizer = tiny_tokenizers.bert(TEXTS, 120)
    tokenizer.mask_token = None
    with pytest.raises(ModelError, match="has no mask token"):
        proposals(_Counting(len(tokenizer)), tokenizer, [], 2)
