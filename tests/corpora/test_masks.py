from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.masking import AnyUnit, Masking, SpanUnit, WordUnit
from limbeck.corpora.masks import MaskVocabulary, mask_tokens
from limbeck.errors import ModelError

MASK, SIZE = 4, 1000
ORDINARY = np.arange(SIZE) >= 5
VOCABULARY = MaskVocabulary(MASK, ORDINARY, np.ones_like(ORDINARY))
UNITS = [WordUnit(), SpanUnit()]


def sample(rows: int = 400, length: int = 50) -> np.ndarray:
    """Random tokens between [CLS] and [SEP]."""
    ids_BT = np.random.default_rng(1).integers(5, SIZE, size=(rows, length))
    ids_BT[:, 0], ids_BT[:, -1] = 2, 3
    return ids_BT


def borders(rows: int = 400, length: int = 50) -> np.ndarray:
    """Where words of one to about six tokens begin in `sample`."""
    starts_BT = np.random.default_rng(2).random((rows, length)) < 0.5
    starts_BT[:, [0, 1, -1]] = True
    return starts_BT


def masked(
    ids_BT: np.ndarray,
    spec: Masking | None = None,
    vocabulary: MaskVocabulary = VOCABULARY,
    starts_BT: np.ndarray | None = None,
    share: float = 0.15,
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels of sequences 0, 1, ... in epoch 0."""
    spec = spec or Masking()
    pairs = [
        mask_tokens(
            ids_T, spec, vocabulary, (0, 0, row), share=share, starts_T=None if starts_BT is None else starts_BT[row]
        )
        for row, ids_T in enumerate(ids_BT)
    ]
    return np.array([inputs_T for inputs_T, _ in pairs]), np.array([labels_T for _, labels_T in pairs])


def words(starts_T: np.ndarray) -> Iterator[np.ndarray]:
    """The positions of each word."""
    yield from np.split(np.arange(len(starts_T)), np.flatnonzero(starts_T)[1:])


def test_rates_are_what_the_recipe_says() -> None:
    """A collator that masks less than it claims (a known trap) trains a different task."""
    ids_BT = sample()
    inputs_BT, labels_BT = masked(ids_BT)
    chosen_BT = labels_BT != -100
    assert chosen_BT.sum() / (400 * 48) == pytest.approx(0.15, abs=0.002)
    hidden, kept = (inputs_BT == MASK) & chosen_BT, (inputs_BT == ids_BT) & chosen_BT
    assert hidden.sum() / chosen_BT.sum() == pytest.approx(0.8, abs=0.03)
    assert kept.sum() / chosen_BT.sum() == pytest.approx(0.1, abs=0.025)


@pytest.mark.parametrize("unit", [None, *UNITS], ids=lambda unit: unit.kind if unit else "token")
def test_labels_are_the_originals_and_the_rest_is_untouched(unit: AnyUnit | None) -> None:
    """A label that is not the original token teaches noise."""
    ids_BT, spec = sample(), Masking(unit=unit) if unit else None
    before = ids_BT.copy()
    inputs_BT, labels_BT = masked(ids_BT, spec, starts_BT=borders() if unit else None)
    chosen_BT = labels_BT != -100
    assert chosen_BT.any()
    assert (labels_BT[chosen_BT] == before[chosen_BT]).all()
    assert (inputs_BT[~chosen_BT] == before[~chosen_BT]).all()
    assert (ids_BT == before).all()
    assert not chosen_BT[:, [0, -1]].any()
    assert ORDINARY[inputs_BT[chosen_BT & (inputs_BT != MASK)]].all()


def test_a_mask_depends_on_seed_epoch_and_sample_only() -> None:
    """A mask that changes when a run resumes, or a cache is read, is learnt from twice, or not at all."""
    (ids_T,) = sample(rows=1)
    first = mask_tokens(ids_T, Masking(), VOCABULARY, (1, 2, 3), share=0.15)[0]
    assert (mask_tokens(ids_T, Masking(), VOCABULARY, (1, 2, 3), share=0.15)[0] == first).all()
    for seed in ((0, 2, 3), (1, 0, 3), (1, 2, 0)):
        assert (mask_tokens(ids_T, Masking(), VOCABULARY, seed, share=0.15)[0] != first).any()


def test_short_sequences_keep_the_expectation() -> None:
    """Forcing one mask on every short sequence masks them far more often than long ones."""
    labels_BT = masked(sample(rows=4000, length=5))[1]
    assert (labels_BT != -100).sum() / (4000 * 3) == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.kind)
@pytest.mark.parametrize("smoothing", [None, 0.7])
def test_words_are_predicted_whole_and_as_often_as_asked(unit: AnyUnit, smoothing: float | None) -> None:
    """A piece in sight gives the rest of its word away; words of several pieces make the rate drift."""
    ids_BT, starts_BT = sample(rows=2000), borders(rows=2000)
    weights_V = None if smoothing is None else np.random.default_rng(3).random(SIZE)
    vocabulary = MaskVocabulary(MASK, ORDINARY, np.ones_like(ORDINARY), weights_V)
    labels_BT = masked(ids_BT, Masking(unit=unit, smoothing=smoothing), vocabulary, starts_BT)[1]
    assert (labels_BT != -100).sum() / (2000 * 48) == pytest.approx(0.15, rel=0.01)
    for labels_T, starts_T in zip(labels_BT, starts_BT, strict=True):
        assert {len(set((labels_T[word] != -100).tolist())) for word in words(starts_T)} == {1}


def test_a_long_word_is_as_likely_as_a_short_one() -> None:
    """Words that are passed over for being too long, as in BERT's own code, are never learnt as a whole."""
    ids_BT, starts_BT = sample(rows=2000), borders(rows=2000)
    labels_BT = masked(ids_BT, Masking(unit=WordUnit()), starts_BT=starts_BT)[1]
    chosen: dict[bool, list[bool]] = {True: [], False: []}
    for labels_T, starts_T in zip(labels_BT, starts_BT, strict=True):
        for word in words(starts_T[1:-1]):
            chosen[len(word) >= 3].append(bool(labels_T[1 + word[0]] != -100))
    assert np.mean(chosen[True]) == pytest.approx(0.15, abs=0.008)
    assert np.mean(chosen[False]) == pytest.approx(0.15, abs=0.008)


def test_each_sequence_gets_its_share() -> None:
    """A rate that is right on average and wild from sequence to sequence makes noisy updates."""
    starts_BT = borders(rows=500)
    labels_BT = masked(sample(rows=500), Masking(unit=WordUnit()), starts_BT=starts_BT)[1]
    predicted_B = (labels_BT != -100).sum(axis=1)
    assert (abs(predicted_B - 0.15 * 48) < 1).mean() > 0.85
    assert predicted_B.std() < 1


@pytest.mark.parametrize(
    ("unit", "spec"),
    [(unit, {"mask": mask, "random": random, "keep": keep}) for unit in UNITS
     for mask, random, keep in ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.5, 0.0, 0.5))],
)  # fmt: skip
def test_what_becomes_of_a_word_becomes_of_all_of_it(unit: AnyUnit, spec: dict[str, float]) -> None:
    """A word with one piece hidden and another left is a word with a piece hidden."""
    ids_BT, starts_BT = sample(), borders()
    inputs_BT, labels_BT = masked(ids_BT, Masking(unit=unit, **spec), starts_BT=starts_BT)
    hidden_BT, predicted_BT = inputs_BT == MASK, labels_BT != -100
    for row, starts_T in enumerate(starts_BT):
        for word in words(starts_T):
            assert len(set(hidden_BT[row, word].tolist())) == 1
    assert hidden_BT.sum() / predicted_BT.sum() == pytest.approx(spec["mask"], abs=0.03)
    assert (inputs_BT != ids_BT).sum() / predicted_BT.sum() == pytest.approx(1 - spec["keep"], abs=0.03)


def test_words_of_a_span_share_their_fate_and_stand_together() -> None:
    """Single words scattered about are another task, and an easier one."""
    ids_BT, starts_BT = sample(rows=300, length=200), borders(rows=300, length=200)
    spans = Masking(unit=SpanUnit(), mask=0.5, random=0.0, keep=0.5)
    inputs_BT, labels_BT = masked(ids_BT, spans, starts_BT=starts_BT)
    single = masked(ids_BT, Masking(unit=WordUnit()), starts_BT=starts_BT)[1]

    def runs(chosen_BT: np.ndarray, starts_BT: np.ndarray) -> float:
        """Mean number of predicted words on end."""
        ends = chosen_BT[:, 1:] & ~chosen_BT[:, :-1]
        return float((chosen_BT & starts_BT).sum() / ends.sum())

    assert runs(labels_BT != -100, starts_BT) > 3.5
    assert runs(single != -100, starts_BT) < 1.3
    hidden, kept = inputs_BT == MASK, (labels_BT != -100) & (inputs_BT != MASK)
    changes = (hidden[:, 1:] & kept[:, :-1]).sum() + (kept[:, 1:] & hidden[:, :-1]).sum()
    assert changes < 0.05 * (labels_BT != -100).sum()


def test_a_word_with_an_unknown_piece_is_left_alone() -> None:
    """The rest of it would be predicted from [UNK], which is no part of any word."""
    ids_BT = np.tile([2, 10, 1, 11, 12, 13, 14, 15, 16, 17, 3], (300, 1))
    starts_BT = np.tile([True, True, False, False, *[True] * 7], (300, 1))
    labels_BT = masked(ids_BT, Masking(unit=WordUnit()), starts_BT=starts_BT)[1]
    assert (labels_BT[:, :4] == -100).all()
    assert (labels_BT != -100).sum() / (300 * 6) == pytest.approx(0.15, abs=0.02)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=30), st.floats(0.01, 0.99), st.integers(0, 99))
def test_any_words_can_be_masked(sizes: list[int], share: float, seed: int) -> None:
    """A text of one word, or of very long ones, must not end the training."""
    starts_T = np.concatenate([[True, *[False] * (size - 1)] for size in sizes])
    for unit in UNITS:
        labels_T = mask_tokens(
            np.arange(5, 5 + len(starts_T)), Masking(unit=unit), VOCABULARY, (seed, 0, 0), share=share,
            starts_T=starts_T,
        )[1]  # fmt: skip
        assert abs((labels_T != -100).sum() - share * len(starts_T)) <= sum(set(sizes))


def test_more_is_masked_where_more_is_asked() -> None:
    """A share that falls over the training should forget masks, not draw others."""
    (ids_T,) = sample(rows=1)
    few, many = (mask_tokens(ids_T, Masking(), VOCABULARY, (0, 0, 0), share=share)[1] for share in (0.15, 0.3))
    assert set(np.flatnonzero(few != -100)) < set(np.flatnonzero(many != -100))


def test_smoothing_prefers_rare_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    """Without it the most frequent words take most of the masks."""
    counts_V = np.ones(len(tokenizer), dtype=np.int64)
    counts_V[5] = 1000
    spec = Masking(smoothing=0.7)
    vocabulary = MaskVocabulary.of(tokenizer, spec, counts_V)
    ids_BT = np.tile([2, 5, 5, 5, 5, 5, 5, 5, 6, 7, 8, 9, 10, 11, 3], (500, 1))
    labels_BT = masked(ids_BT, spec, vocabulary)[1]
    chosen = labels_BT[labels_BT != -100]
    assert len(chosen) / (500 * 13) == pytest.approx(0.15, abs=0.01)
    assert (chosen == 5).mean() < 0.05
    assert vocabulary.weights is not None
    assert vocabulary.weights[5] == pytest.approx(1000**-0.7)


def test_a_word_is_as_rare_as_its_rarest_piece(tokenizer: PreTrainedTokenizerFast) -> None:
    """An ending that half of all words have would make them all seem frequent."""
    counts_V = np.ones(len(tokenizer), dtype=np.int64)
    counts_V[[5, 6]] = 1000
    spec = Masking(smoothing=0.7, unit=WordUnit())
    ids_BT = np.tile([2, 5, 6, 5, 6, 5, 6, 7, 6, 5, 6, 5, 6, 5, 6, 3], (500, 1))
    starts_BT = np.tile([True, *[True, False] * 7, True], (500, 1))
    labels_BT = masked(ids_BT, spec, MaskVocabulary.of(tokenizer, spec, counts_V), starts_BT)[1]
    assert (labels_BT[:, 7] != -100).mean() > 0.9
    assert (labels_BT[:, 1] != -100).mean() < 0.1


def test_special_tokens_are_never_ordinary(tokenizer: PreTrainedTokenizerFast) -> None:
    """A random replacement by [SEP] would end the sentence in its middle."""
    vocabulary = MaskVocabulary.of(tokenizer, Masking(), np.ones(len(tokenizer), dtype=np.int64))
    assert vocabulary.mask == 4
    assert np.flatnonzero(~vocabulary.ordinary).tolist() == [0, 1, 2, 3, 4]


def test_only_what_the_text_has_replaces_at_random() -> None:
    """A word that the text never has would have to be trained for being a wrong one now and then."""
    in_text = np.isin(np.arange(SIZE), [7, 8, 9])
    vocabulary = MaskVocabulary(MASK, ORDINARY, in_text)
    ids = np.random.default_rng(0).choice([7, 8, 9], size=2000)
    spec = Masking(probability=0.9, mask=0.0, random=1.0, keep=0.0)
    inputs, _ = mask_tokens(ids, spec, vocabulary, (0, 0, 0), share=0.9)
    assert set(inputs.tolist()) == {7, 8, 9}
    assert np.flatnonzero(vocabulary.used).tolist() == [0, 1, 2, 3, 4, 7, 8, 9]


def test_a_tokenizer_without_a_mask_token_is_refused() -> None:
    """Masking with another token would teach the model to predict after it."""
    from tokenizers import Tokenizer, models

    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))
    with pytest.raises(ModelError, match="has no mask token"):
        MaskVocabulary.of(bare, Masking(), np.ones(1, dtype=np.int64))
