"""What a cache covers: the same is accepted, whatever else is named."""

import pytest

from limbeck.errors import RecipeError
from limbeck.signals import Needs
from limbeck.teachers import Coverage, Reading
from limbeck.teachers.storing import Store, StoredLogits

MASKING = {"probability": 0.15, "smoothing": None}
READING = Reading(text="a" * 64, teacher="b" * 64, length=128, masking=MASKING, seed=1, tokens="c" * 64)


def _coverage(**store):
    return Coverage(of=READING, epochs=2, store=Store(**store), depth=6, classes=100)


def test_the_same_reading_is_accepted(tmp_path):
    """A check that refuses what it was made for is switched off."""
    coverage = _coverage(hidden="last")
    coverage.write(tmp_path)
    again = Coverage.open(tmp_path)
    assert again == coverage
    again.check("@c", READING)
    again.check("@c", READING.model_copy(update={"teacher": None, "tokens": None}))
    again.check_epochs("@c", 2.0)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"text": "d" * 64}, "the cache @c was made with the text aaaaaaaa, and this step has the text dddddddd; give"),
        ({"teacher": "@big"}, "with the teacher bbbbbbbb, and this step has the teacher @big"),
        ({"length": 64}, "with the length 128, and this step has the length 64"),
        ({"masking": {"probability": 0.2}}, "with the masking {probability: 0.15}, and .* {probability: 0.2}"),
        ({"seed": 2}, "with the seed 1, and this step has the seed 2"),
        ({"tokens": "d" * 64}, "as another tokenizer cuts it; give the student the tokenizer of the cache's teacher"),
    ],
)
def test_anything_else_is_named(changed, sentence):
    """Signals of another text fit as well as any, and teach nonsense."""
    with pytest.raises(RecipeError, match=sentence):
        _coverage(hidden="last").check("@c", READING.model_copy(update=changed))


def test_more_epochs_than_there_are_are_refused():
    """Masks of an epoch that was never answered would be found out in the middle of the training."""
    with pytest.raises(RecipeError, match=r"covers 2 passes of the text.* reads 2\.1; set epochs: 3"):
        _coverage(hidden="last").check_epochs("@c", 2.1)


def test_it_provides_what_is_stored_and_no_more():
    """By hand, for each signal."""
    provides = _coverage(hidden=[3, 6], logits=StoredLogits(top=5, temperatures=[1, 2])).provides("@c")
    provides.check("x", Needs(hidden=frozenset({3}), logits="selected", temperatures=frozenset({1.0})))
    for needs in (
        Needs(hidden=frozenset({4})),
        Needs(attention=frozenset({6})),
        Needs(logits="all", temperatures=frozenset({1.0})),
        Needs(logits="selected", temperatures=frozenset({3.0})),
        Needs(logits="selected", whole_logits=True),
    ):
        with pytest.raises(RecipeError, match=r"x needs .*; the cached teacher @c gives only .*; "):
            provides.check("x", needs)
    whole = _coverage(logits=StoredLogits(top=100)).provides("@c")
    whole.check("x", Needs(logits="selected", temperatures=frozenset({3.0}), whole_logits=True))


def test_bytes_by_hand():
    """A size that is told wrong fills the disk."""
    store = Store(hidden=[3, 6], logits=StoredLogits(top=5, temperatures=[1, 2]))
    hidden, logits = 100 * 2 * 8 * 2, 15 * (5 * (2 + 4) + 2 * 4)
    assert store.bytes(4, 100, 15, depth=6, width=8, classes=50) == 4 * 24 + hidden + logits
    assert Store(hidden="last", numbers="float32").bytes(0, 100, 15, 6, 8, 50) == 100 * 8 * 4
    every = Store(logits=StoredLogits(top="all", positions="all"))
    assert every.bytes(0, 100, 15, 6, 8, 50) == 100 * 50 * 2
