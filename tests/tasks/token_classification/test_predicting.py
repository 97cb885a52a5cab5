from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForTokenClassification

from limbeck.artifacts import Artifact, Manifest
from limbeck.models.task_heads import labels_of
from limbeck.tasks.batches import TaskBatches, window_batch
from limbeck.tasks.encoded import encode_task
from limbeck.tasks.members import member_of, members_of
from limbeck.tasks.predicting import predict, reader_of
from limbeck.tasks.splits import Splits
from limbeck.tasks.storage import read_examples, write_examples
from limbeck.tasks.token_classification.encoding import encode
from limbeck.tasks.token_classification.tagged_text import TaggedText, from_spans, from_words
from limbeck.tasks.token_classification.tagging import TokenClassification

LABELS = ["O", "B-X", "I-X"]
TASK = TokenClassification()


@pytest.fixture(scope="module")
def tagger() -> BertForTokenClassification:
    """A tagger of random weights with 40 positions."""
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=300, max_position_embeddings=40, initializer_range=0.5, **shape)
    config.id2label = dict(enumerate(LABELS))
    return BertForTokenClassification(config).eval()


def _words(count: int) -> TaggedText:
    return from_words(["release", "numpy", "of"] * (count // 3), ["O"] * (count // 3 * 3))


def _predict(tagger, examples, tokenizer):
    windows = encode(examples, tokenizer, LABELS, 40, 8)
    return [answer.said for answer in predict(TASK, reader_of(tagger), examples, windows, LABELS, 0)]


def test_every_word_is_answered(tagger, wordpiece):
    """A word without an answer shifts the tags of all that follow."""
    examples = [_words(3), _words(90), from_words([], []), from_words(["a"], ["O"]), _words(30)]
    tags = _predict(tagger, examples, wordpiece)
    assert [len(row) for row in tags] == [3, 90, 0, 1, 30]
    assert {tag for row in tags for tag in row} <= set(LABELS)


def test_neighbours_and_padding_change_nothing(tagger, wordpiece):
    """Scores that depend on the batch cannot be repeated."""
    examples = [_words(3 * n) for n in range(1, 40)]
    together = _predict(tagger, examples, wordpiece)
    alone = [_predict(tagger, [example], wordpiece)[0] for example in examples]
    assert together == alone


def test_a_tag_says_how_certain_it_is(tagger, wordpiece):
    """Calibration would be judged by numbers that are no probabilities."""
    examples = [_words(9)]
    windows = encode(examples, wordpiece, LABELS, 40, 8)
    (answer,) = predict(TASK, reader_of(tagger), examples, windows, LABELS, 0)
    with torch.no_grad():
        ids = torch.from_numpy(windows.windows[0].input_ids)[None]
        shares = tagger(input_ids=ids).logits.softmax(-1).amax(-1)[0]
    assert answer.certainty == pytest.approx(shares[windows.windows[0].answers].tolist(), abs=1e-5)


def test_labels_come_in_the_order_of_their_classes(tagger):
    """Names in another order than the classifier's columns turn every answer into another."""
    tagger.config.id2label = {2: "I-X", 0: "O", 1: "B-X"}
    assert labels_of(tagger.config) == LABELS


def test_batches_follow_the_order_they_are_given(wordpiece):
    """Accumulated batches that overlap train some examples twice and others never."""
    windows = encode([_words(3 * n) for n in range(1, 9)], wordpiece, LABELS, 128, 8)
    made = TaskBatches(TASK, windows, lambda number: (0, [2 * number, 2 * number + 1]), 2, pad=0)(2)
    expected = [window_batch(TASK, windows, pair, 0) for pair in ([4, 5], [6, 7])]
    assert [batch.input_ids.tolist() for batch in made] == [batch.input_ids.tolist() for batch in expected]
    assert made[0].labels is not None
    assert made[0].tokens < made[1].tokens


def test_a_task_is_encoded_for_all_members(wordpiece):
    """Labels in another order for the development examples would score every answer wrong."""
    train = (from_words(["numpy", "of"], ["B-X", "O"]),)
    dev = (from_words(["of", "numpy"], ["O", "B-X"]),)
    task = encode_task(TASK, Splits(train, dev, ()), wordpiece, 40, 8)
    assert task.labels == LABELS
    assert [window.labels[window.labels >= 0].tolist() for window in task.dev.windows] == [[0, 1]]
    assert task.pad == wordpiece.pad_token_id
    assert task.mean_length == len(task.train.windows[0].input_ids)


def test_examples_survive_being_written(tmp_path: Path):
    """A line end inside a text would tear an example in two."""
    examples = [
        from_spans("Żółw\u2028called\r foo.bar", [(12, 15, "API")], "a.py"),
        from_words([], []),
        from_words(["🙂"], ["O"]),
    ]
    write_examples(TASK, examples, tmp_path / "test.jsonl")
    assert read_examples(TASK, tmp_path / "test.jsonl") == examples


def test_members_are_found_by_their_seed(tmp_path: Path):
    """Students would be compared with another seed's teacher."""
    manifest = {
        "step": "s",
        "do": "x",
        "kind": "members",
        "fingerprint": "0",
        "revision": 1,
        "config": {},
        "inputs": {},
    }
    seeds = [{"data": "names", "seed": seed, "folder": f"members/seed-{seed}"} for seed in (3, 0)]
    facts = {"members": seeds}
    artifact = Artifact(tmp_path, Manifest(**manifest, version="0", started="", seconds=0.0, facts=facts, files={}))
    assert [member.seed for member in members_of(artifact)] == [3, 0]
    assert member_of(artifact, "any", 0).folder == tmp_path / "members/seed-0"
    assert member_of(artifact, "any", 7) is None
