import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.corpora.roles import Marked, take_off


def named(marked: Marked) -> list[tuple[str, str]]:
    """The words under the spans, and their labels."""
    return [(marked.text[start:end], label) for start, end, label in marked.spans]


@pytest.mark.parametrize(
    ("markup", "text", "names"),
    [
        ("see :class:`~a.b.C` now", "see C now", [("C", "class")]),
        ("see :py:meth:`a.C.run()`.", "see a.C.run.", [("a.C.run", "meth")]),
        ("see :func:`.run` or :mod:`os.path`", "see run or os.path", [("run", "func"), ("os.path", "mod")]),
        ("see :exc:`!ValueError`", "see ValueError", [("ValueError", "exc")]),
        ("see :meth:`go <a.C.go>`", "see go", [("go", "meth")]),
        ("see :ref:`the guide <guide>`", "see the guide", []),
        ("``None`` or `x` or *y* or **z**", "None or x or y or z", []),
        ("see `docs <http://x.org>`_ [1]_ here", "see docs here", []),
        (":class:`Foo`\\ s are many", "Foos are many", [("Foo", "class")]),
        ("passes *args and **kwargs on", "passes *args and **kwargs on", []),
        ("2 * 3 * 4 is 24", "2 * 3 * 4 is 24", []),
    ],
)
def test_markup_reads_as_on_the_finished_page(markup: str, text: str, names: list[tuple[str, str]]) -> None:
    """What stays of the markup, or what is lost with it, would give the label away or spoil the text."""
    marked = take_off(markup)
    assert (marked.text, named(marked)) == (text, names)
    assert marked.clean or "*" in text


@pytest.mark.parametrize(
    "markup",
    [
        "an open :class:`Foo and more",
        "a name of unknown kind :obj:`Foo` here",
        "prose behind a role :class:`the thing <Foo>`",
        "an expression :func:`f(x)`",
        "turned around `Foo`:class: and so on",
    ],
)
def test_unsure_markup_is_not_annotated(markup: str) -> None:
    """Half understood markup teaches wrong labels."""
    assert not take_off(markup).clean


@given(st.text(alphabet="ab:`*_~!.<> \\[]1classfunc", max_size=60))
def test_clean_text_has_no_marks_and_spans_fit(text: str) -> None:
    """A backtick left beside a name tells the model where the name is."""
    marked = take_off(text)
    assert all(0 <= start < end <= len(marked.text) for start, end, _ in marked.spans)
    assert list(marked.spans) == sorted(marked.spans)
    assert not marked.clean or "`" not in marked.text
