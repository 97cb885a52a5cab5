import pytest

from limbeck.corpora.consistency import Paragraph, only_consistent


def marked(text: str) -> Paragraph:
    """Names stand between angle brackets."""
    plain, spans = "", []
    for number, part in enumerate(text.replace("<", ">").split(">")):
        if number % 2:
            spans.append((len(plain), len(plain) + len(part), "func"))
        plain += part
    return plain, tuple(spans)


HABIT = [marked("use <run_all> and <stop_all> and <go>")]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("call <run> first, from NumPy", True),
        ("call <run> before the DataFrame is made", False),
        ("call <run> before other.thing", False),
        ("call <run> before finish(x)", False),
        ("call <run> before run again", False),
        ("call <run> before stop_all", False),
        ("call <run> before some_option", True),
    ],
)
def test_paragraphs_with_unmarked_names_lose_their_spans(text: str, kept: bool) -> None:
    """A name that an author left unmarked is a wrong gold label."""
    _, [(_, spans)] = only_consistent([HABIT, [marked(text)]])
    assert bool(spans) == kept


def test_files_that_rarely_mark_names_are_not_annotated() -> None:
    """One role in a file says nothing about the names around it."""
    assert only_consistent([[marked("use <run> here")]]) == [[("use run here", ())]]
