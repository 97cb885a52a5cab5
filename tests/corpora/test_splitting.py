from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from limbeck.corpora.counting import Tally
from limbeck.corpora.documents import Document, Span
from limbeck.corpora.outcomes import Dropped, Failed, Finished, Outcome
from limbeck.corpora.splitting import Holdout, Shingles, divide, shingles, split_of, without_leaks
from limbeck.errors import DataError

HALVES = Holdout(dev=0.2, test=0.3)
SENTENCE = "the quick brown fox jumps over the lazy dog today"


def remembered(*texts: str) -> Shingles:
    """The shingles of the given texts."""
    made = Shingles()
    list(made.watch(Document(text, "x") for text in texts))
    return made


def test_shares_are_about_right_and_stable() -> None:
    """A source that changes its split between runs leaks the test into training."""
    found = Counter(split_of(f"file{number}", HALVES, 1) for number in range(5000))
    assert found["test"] == pytest.approx(1500, rel=0.1)
    assert found["dev"] == pytest.approx(1000, rel=0.1)
    assert [split_of(name, HALVES, 42) for name in ("a", "b", "c", "d", "e")] == [
        split_of(name, HALVES, 42) for name in ("a", "b", "c", "d", "e")
    ]
    assert split_of("file0", Holdout(dev=0), 1) == "train"


def test_a_file_stays_whole_unless_documents_are_split() -> None:
    """Two halves of one file share their phrases; in different splits they leak."""
    given_documents = [Document(f"text number {number}", "one.txt") for number in range(100)]
    whole = list(divide(given_documents, False, HALVES, 0, set(), Tally()))
    parts = list(divide(given_documents, True, HALVES, 0, set(), Tally()))
    assert len({document.split for document in whole}) == 1
    assert {document.split for document in parts} == {"train", "dev", "test"}
    assert parts[6].source == "one.txt#7"


def test_a_document_keeps_its_split_in_another_file() -> None:
    """The same recipe on another machine would hold out other text; a line put in front would move the rest."""
    texts = [f"text number {number}" for number in range(100)]

    def splits(source: str, texts: list[str]) -> dict[str, str]:
        documents = [Document(text, source) for text in texts]
        return {document.text: document.split for document in divide(documents, True, HALVES, 0, set(), Tally())}

    moved = splits("/elsewhere/two.txt", ["put in front", *texts])
    assert splits("one.txt", texts) == {text: moved[text] for text in texts}


def test_near_duplicates_of_held_out_text_leave_training() -> None:
    """A paragraph that differs in one word from a test paragraph is a test paragraph."""
    near = SENTENCE.replace("today", "Tonight!")
    far = "the quick brown fox walked slowly under a very old bridge"
    document = Document(
        f"{near}\n{far}\nshort one", "a", "train", (Span(4, 9, "class"), Span(len(near) + 5, len(near) + 10, "func"))
    )
    tally = Tally()
    (kept,) = without_leaks([document], remembered(SENTENCE), tally)
    assert kept.text == f"{far}\nshort one"
    assert [kept.text[span.start : span.end] for span in kept.spans] == ["quick"]
    assert tally.paragraphs.dropped == {"near held-out text": 1}


def test_share_of_shingles_by_hand() -> None:
    """Ten words have six runs of five; changing the last word changes one of them."""
    assert len(shingles(SENTENCE)) == 6
    assert remembered(SENTENCE).share(SENTENCE.replace("today", "tonight")) == pytest.approx(5 / 6)
    assert remembered(SENTENCE).share("Entirely other words stand in this place") == 0
    assert remembered("too short").share(SENTENCE) == 0


WORDS = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=9).map(" ".join)
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map("\n".join)
OUTCOMES = st.one_of(
    st.builds(Document, TEXTS, st.sampled_from(["f1", "f2", "f3", "f4"])),
    st.builds(Dropped, st.just("f1"), st.sampled_from(["empty", "no prose"]), st.integers(1, 3)),
    st.builds(Dropped, st.just("f1"), st.just("repeated"), st.integers(1, 3), st.just("paragraph")),
    st.builds(Failed, st.just("f2"), st.just("bad"), st.sampled_from(["file", "record"])),
    st.builds(Finished, st.just("f3")),
)


@given(st.lists(OUTCOMES, max_size=40), st.booleans())
def test_everything_is_accounted_for(outcomes: list[Outcome], by_document: bool) -> None:
    """A corpus that cannot say where its documents went has lost some."""
    tally = Tally()
    divided = list(divide(outcomes, by_document, HALVES, 3, set(), tally))
    held_out = Shingles()
    test = list(held_out.watch(without_leaks((d for d in divided if d.split == "test"), Shingles(), tally)))
    rest = list(without_leaks((d for d in divided if d.split != "test"), held_out, tally))
    assert tally.files.balanced
    assert tally.documents.balanced
    assert tally.paragraphs.balanced
    assert tally.documents.kept == len(test) + len(rest)
    assert len({document.text for document in test + rest}) >= tally.documents.kept - tally.documents.dropped.total()
    assert all(held_out.share(line) <= 0.5 for document in rest for line in document.text.split("\n"))


def test_too_many_failures_end_the_step() -> None:
    """A corpus from half its files is another corpus than the recipe asks for."""
    tally = Tally()

    def outcomes() -> Iterator[Outcome]:
        yield from (Document("some text", "a"), Finished("a"), Failed("b", "b is not UTF-8", "file"))

    list(without_leaks(divide(outcomes(), True, Holdout(), 0, set(), tally), Shingles(), tally))
    tally.check(max_errors=0.5)
    with pytest.raises(DataError, match=r"1 of 2 files cannot be read, and max_errors allows 5%; the first: b is not"):
        tally.check(max_errors=0.05)


def test_an_empty_corpus_says_where_everything_went() -> None:
    """An empty corpus found out by the training step wastes the time in between."""
    tally = Tally()
    list(divide([Dropped("a", "empty", 3), Finished("a")], True, Holdout(), 0, set(), tally))
    with pytest.raises(DataError, match=r"nothing is left of 3 documents \(3 empty\)"):
        tally.check(0.05)


def test_shares_must_leave_something() -> None:
    """A holdout of everything trains on nothing."""
    with pytest.raises(ValidationError, match=r"dev \+ test should leave something to train on; found 1\.1"):
        Holdout(dev=0.6, test=0.5)
