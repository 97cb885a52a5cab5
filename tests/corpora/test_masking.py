import numpy as np
import pytest
from pydantic import ValidationError
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.masking import Masking, MaskVocabulary, mask_tokens
from limbeck.errors import ModelError

MASK, SIZE = 4, 1000
ORDINARY = np.arange(SIZE) >= 5
VOCABULARY = MaskVocabulary(MASK, ORDINARY)


def sample(rows: int = 400, length: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Random tokens between [CLS] and [SEP], and their attention mask."""
    ids_BT = np.random.default_rng(1).integers(5, SIZE, size=(rows, length))
    ids_BT[:, 0], ids_BT[:, -1] = 2, 3
    return ids_BT, np.ones_like(ids_BT)


def test_rates_are_what_the_recipe_says() -> None:
    """A collator that masks less than it claims (a known trap) trains a different task."""
    ids_BT, attention_BT = sample()
    inputs_BT, labels_BT = mask_tokens(ids_BT, attention_BT, Masking(), VOCABULARY, 0, 0, range(400))
    chosen_BT = labels_BT != -100
    assert chosen_BT.sum() / (400 * 48) == pytest.approx(0.15, abs=0.002)
    hidden, kept = (inputs_BT == MASK) & chosen_BT, (inputs_BT == ids_BT) & chosen_BT
    assert hidden.sum() / chosen_BT.sum() == pytest.approx(0.8, abs=0.03)
    assert kept.sum() / chosen_BT.sum() == pytest.approx(0.1, abs=0.025)


def test_labels_are_the_originals_and_the_rest_is_untouched() -> None:
    """A label that is not the original token teaches noise."""
    ids_BT, attention_BT = sample(rows=20)
    before = ids_BT.copy()
    inputs_BT, labels_BT = mask_tokens(ids_BT, attention_BT, Masking(), VOCABULARY, 0, 0, range(20))
    chosen_BT = labels_BT != -100
    assert (labels_BT[chosen_BT] == before[chosen_BT]).all()
    assert (inputs_BT[~chosen_BT] == before[~chosen_BT]).all()
    assert (ids_BT == before).all()
    assert not chosen_BT[:, [0, -1]].any()
    assert ORDINARY[inputs_BT[chosen_BT & (inputs_BT != MASK)]].all()


def test_a_mask_depends_on_seed_epoch_and_sample_only() -> None:
    """A mask that depends on neighbours or padding changes when a run resumes or a cache is read."""
    ids_BT, attention_BT = sample(rows=8)
    whole = mask_tokens(ids_BT, attention_BT, Masking(), VOCABULARY, 0, 0, range(8))[0]
    padded_BT = np.pad(ids_BT[5:6], ((0, 0), (0, 30)))
    mask_BT = np.pad(attention_BT[5:6], ((0, 0), (0, 30)))
    alone, labels = mask_tokens(padded_BT, mask_BT, Masking(), VOCABULARY, 0, 0, [5])
    assert (alone[0, :50] == whole[5]).all()
    assert (labels[0, 50:] == -100).all()
    for seed, epoch in ((1, 0), (0, 1)):
        assert (mask_tokens(ids_BT, attention_BT, Masking(), VOCABULARY, seed, epoch, range(8))[0] != whole).any()


def test_short_sequences_keep_the_expectation() -> None:
    """Forcing one mask on every short sequence masks them far more often than long ones."""
    ids_BT, attention_BT = sample(rows=4000, length=5)
    labels_BT = mask_tokens(ids_BT, attention_BT, Masking(), VOCABULARY, 0, 0, range(4000))[1]
    assert (labels_BT != -100).sum() / (4000 * 3) == pytest.approx(0.15, abs=0.01)


def test_smoothing_prefers_rare_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    """Without it the most frequent words take most of the masks."""
    counts_V = np.ones(len(tokenizer), dtype=np.int64)
    counts_V[5] = 1000
    vocabulary = MaskVocabulary.of(tokenizer, Masking(smoothing=0.7), counts_V)
    ids_BT = np.tile([2, 5, 5, 5, 5, 5, 5, 5, 6, 7, 8, 9, 10, 11, 3], (500, 1))
    labels_BT = mask_tokens(ids_BT, np.ones_like(ids_BT), Masking(smoothing=0.7), vocabulary, 0, 0, range(500))[1]
    chosen = labels_BT[labels_BT != -100]
    assert len(chosen) / (500 * 13) == pytest.approx(0.15, abs=0.01)
    assert (chosen == 5).mean() < 0.05
    assert vocabulary.weights is not None
    assert vocabulary.weights[5] == pytest.approx(1000**-0.7)


def test_special_tokens_are_never_ordinary(tokenizer: PreTrainedTokenizerFast) -> None:
    """A random replacement by [SEP] would end the sentence in its middle."""
    vocabulary = MaskVocabulary.of(tokenizer, Masking())
    assert vocabulary.mask == 4
    assert np.flatnonzero(~vocabulary.ordinary).tolist() == [0, 1, 2, 3, 4]


def test_a_tokenizer_without_a_mask_token_is_refused() -> None:
    """Masking with another token would teach the model to predict after it."""
    from tokenizers import Tokenizer, models

    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))
    with pytest.raises(ModelError, match="has no mask token"):
        MaskVocabulary.of(bare, Masking())


def test_shares_add_up_to_one() -> None:
    """Shares that do not add up leave it open what happens to the rest."""
    with pytest.raises(ValidationError, match=r"mask \+ random \+ keep should be 1; found 1\.1"):
        Masking(mask=0.9)
