from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from limbeck.corpora.batches import batches_of, text_batches
from limbeck.corpora.documents import Document, write
from limbeck.corpora.masking import Masking
from limbeck.corpora.sentence_pairs import ELSEWHERE, FOLLOWS, SentencePairs, tokenise_pairs
from limbeck.errors import DataError
from limbeck.workspace import Silent, Workspace

LENGTH, ROOM = 23, 20


@pytest.fixture(scope="module")
def words() -> PreTrainedTokenizerFast:
    """Words d3p1w0: word 0 of paragraph 1 of document 3, one token each."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    named = [f"d{d}p{p}w{w}" for d in range(12) for p in range(6) for w in range(30)]
    made = Tokenizer(models.WordLevel({w: n for n, w in enumerate([*special, *named])}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)


def _document(number: int, *lengths: int) -> str:
    """A paragraph of each length."""
    return "\n".join(" ".join(f"d{number}p{p}w{w}" for w in range(count)) for p, count in enumerate(lengths))


def _texts(row, words) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]], list[int]]:
    """Both texts of a pair as (document, paragraph, word), and the special tokens around them."""
    tokens = words.convert_ids_to_tokens(row.tokens.tolist())
    special = [place for place, token in enumerate(tokens) if token.startswith("[")]
    read = [tuple(map(int, t[1:].replace("p", " ").replace("w", " ").split())) for t in tokens if not t.startswith("[")]
    first = special[1] - 1
    return read[:first], read[first:], special


def _made(texts, words, folder) -> SentencePairs:
    return tokenise_pairs(texts, words, LENGTH, folder)[0]


DOCUMENTS = [_document(n, *lengths) for n, lengths in enumerate([(5, 5, 5), (4, 9, 3, 30, 2), (7, 8), (19, 2, 6)])]


def test_pairs_are_what_they_are_said_to_be(words, tmp_path: Path) -> None:
    """A text that follows and is labelled as elsewhere, or the other way round, teaches the opposite."""
    pairs, seen = _made(DOCUMENTS, words, tmp_path), {FOLLOWS: 0, ELSEWHERE: 0}
    for epoch in range(40):
        for index in range(len(pairs)):
            row = pairs.row(7, epoch, index)
            one, two, special = _texts(row, words)
            seen[row.label] += 1
            assert special == [0, row.second - 1, len(row.tokens) - 1]
            assert 0 < len(one) < len(one) + len(two) <= ROOM
            assert (one[0][0] == two[0][0]) == (row.label == FOLLOWS)
            if row.label == FOLLOWS:
                assert one[-1][1:] < two[0][1:]
                assert two[0][2] in (0, one[-1][2] + 1)
            for text in (one, two):
                steps = [(b[1] - a[1], b[2] - a[2]) for a, b in pairwise(text)]
                assert all(step == (0, 1) or step[0] == 1 for step in steps)
    assert abs(seen[FOLLOWS] / sum(seen.values()) - 0.5) < 0.06


def test_no_text_begins_or_ends_within_a_paragraph(words, tmp_path: Path) -> None:
    """A text that is cut off in one kind of pair alone is told apart by that, and nothing is learnt of what it says."""
    lengths = [(3, 7, 5, 4), (6, 6, 2), (10, 9), (2, 2, 2, 8)]
    pairs = _made([_document(n, *each) for n, each in enumerate(lengths)], words, tmp_path)
    for epoch in range(30):
        for index in range(len(pairs)):
            for text in _texts(pairs.row(1, epoch, index), words)[:2]:
                assert text[0][2] == 0
                assert text[-1][2] == lengths[text[-1][0]][text[-1][1]] - 1


@given(st.lists(st.lists(st.integers(1, 30), min_size=2, max_size=6), min_size=2, max_size=6))
def test_every_word_is_in_a_passage_and_every_passage_fits(tmp_path_factory, words, lengths) -> None:
    """Text that no passage holds is never read; one that does not fit is cut."""
    lengths = [each if sum(each) >= 8 else [8, 1] for each in lengths]
    folder = tmp_path_factory.mktemp("pairs")
    pairs = _made([_document(n, *each) for n, each in enumerate(lengths)], words, folder)
    passages, borders = np.load(folder / "passages.npy"), np.load(folder / "offsets.npy")
    held = {part for first, end, _ in passages for part in range(first, end)}
    assert held == set(range(len(borders) - 1))
    assert all(end - first >= 2 and borders[end] - borders[first] <= ROOM for first, end, _ in passages)
    assert pairs.counts(len(words)).sum() == borders[-1] == sum(map(sum, lengths))
    assert pairs.lengths.tolist() == [borders[end] - borders[first] + 3 for first, end, _ in passages]
    assert max(len(pairs.row(0, 0, index).tokens) for index in range(len(pairs))) <= LENGTH


def test_a_pair_is_a_function_of_seed_epoch_and_number(words, tmp_path: Path) -> None:
    """A training that continues would read other pairs; one that reads the same in every epoch learns them by heart."""
    pairs = _made(DOCUMENTS, words, tmp_path)

    def epoch(seed, number, source=pairs):
        return [source.row(seed, number, index) for index in range(len(source))]

    def same(some, others):
        return all(np.array_equal(a.tokens, b.tokens) and a[2:] == b[2:] for a, b in zip(some, others, strict=True))

    assert same(epoch(1, 2), epoch(1, 2, SentencePairs.open(tmp_path, words, LENGTH)))
    assert same(epoch(1, 2), epoch(1, 2, pairs.in_memory()))
    assert not same(epoch(1, 2), epoch(1, 3))
    assert not same(epoch(1, 2), epoch(2, 2))


def test_documents_without_a_second_paragraph_are_counted(words, tmp_path: Path) -> None:
    """Half a corpus that silently counts for nothing is a smaller corpus than the report says."""
    texts = [DOCUMENTS[0], _document(4, 30), DOCUMENTS[2], _document(5, 2, 1)]
    made, dropped = tokenise_pairs(texts, words, LENGTH, tmp_path)
    assert dropped == 2
    assert {text[0][0] for i in range(len(made)) for text in _texts(made.row(0, 0, i), words)[:2]} <= {0, 2}


@pytest.mark.parametrize(
    ("texts", "length", "sentence"),
    [
        (
            [_document(n, 20) for n in range(3)],
            LENGTH,
            r"0 of 3 documents have two paragraphs or more, and next_sentence",
        ),
        ([DOCUMENTS[0], _document(1, 20)], LENGTH, r"1 of 2 documents .* \(documents: blank_line or file\), or leave"),
        (DOCUMENTS, 10, r"pairs of 10 tokens leave room for 7 of text; use at least 8"),
    ],
)
def test_a_corpus_without_pairs_is_refused(words, tmp_path: Path, texts, length, sentence) -> None:
    """A document of one line has nothing that follows; a random half of it would be no sentence."""
    with pytest.raises(DataError, match=sentence):
        tokenise_pairs(texts, words, length, tmp_path)
    assert not (tmp_path / "offsets.npy").exists()


class _Heard(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text.strip())


def _corpus(folder: Path, dev: list[str]) -> Path:
    train = [_document(n, 6, 7, 5) for n in range(6)]
    parts = [*((text, "train") for text in train), *((text, "dev") for text in dev)]
    write([Document(text, f"{n}", split) for n, (text, split) in enumerate(parts)], folder)
    return folder


def _batches(folder: Path, out: Workspace, words):
    settings = {"length": LENGTH, "batch": 4, "accumulate": 1, "seed": 3, "updates": lambda per_epoch: 10}
    return text_batches(folder, words, len(words), Masking(), out=out, pairs=True, **settings)


def test_batches_know_their_pairs(words, tmp_path: Path) -> None:
    """Token types that are shifted, or count padding, put words into the other sentence."""
    dev = [_document(n, 6, 7, 5) for n in range(6, 9)]
    batches, held_out = _batches(_corpus(tmp_path / "corpus", dev), Workspace(tmp_path / "out"), words)
    batch = batches(3)[0]
    assert set(batch.pair_labels.tolist()) <= {FOLLOWS, ELSEWHERE}
    for ids, mask, types, labels in zip(
        batch.input_ids, batch.attention_mask, batch.token_types, batch.labels, strict=True
    ):
        tokens = torch.where(labels == -100, ids, labels)[mask.bool()].tolist()
        second = tokens.index(3) + 1
        assert types.tolist() == [0] * second + [1] * (len(tokens) - second) + [0] * (len(mask) - len(tokens))
    assert sum(len(each.input_ids) for each in held_out) == 3
    again, _ = _batches(tmp_path / "corpus", Workspace(tmp_path / "out"), words)
    assert torch.equal(again(3)[0].input_ids, batch.input_ids)
    assert torch.equal(again(3)[0].pair_labels, batch.pair_labels)


def test_held_out_text_without_pairs_is_said_to_be_missing(words, tmp_path: Path) -> None:
    """One held-out document has no other to draw from, which is no reason to stop a training."""
    heard = _Heard()
    out = Workspace(tmp_path / "out", "student", heard)
    _, held_out = _batches(_corpus(tmp_path / "corpus", [_document(7, 6, 7)]), out, words)
    assert held_out == []
    assert heard.lines[0].startswith("train: 6 pairs, 126 tokens")
    assert heard.lines[-1].startswith("no loss is measured on held-out text: 1 of 1 documents")


def test_whole_words_are_known_in_pairs(words, tmp_path: Path) -> None:
    """A border that is one token off masks the end of one word and the beginning of the next."""
    vocabulary = {token: number for number, token in enumerate(["[UNK]", "[CLS]", "[SEP]", "a", "##b"])}
    pieces = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    pieces.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    pieces.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pieces, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    texts = ["\n".join(" ".join(["a" + "b" * (n % 3)] * 4) for n in range(count)) for count in (3, 5, 9)]
    made, _ = tokenise_pairs(texts, tokenizer, LENGTH, tmp_path, words=True)
    for pairs in (made, made.in_memory(), SentencePairs.open(tmp_path, tokenizer, LENGTH)):
        for index in range(len(pairs)):
            row = pairs.row(0, 0, index)
            assert row.starts.tolist() == [token != 4 for token in row.tokens]
    assert _made(DOCUMENTS, words, tmp_path / "tokens").row(0, 0, 0).starts is None


def test_texts_at_hand_become_pairs(words) -> None:
    """What a recipe can do, Python can."""
    batch = batches_of([_document(n, 6, 7, 5) for n in range(6)], words, batch=4, length=LENGTH, pairs=True)(1)[0]
    assert batch.pair_labels.shape == (4,)
    assert batch.token_types.shape == batch.input_ids.shape
    assert batches_of([_document(0, 30)] * 4, words, batch=4, length=LENGTH)(1)[0].pair_labels is None
