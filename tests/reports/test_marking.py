from limbeck.reports.evaluated import Disagreement, Span
from limbeck.reports.marking import Piece, readings

TEXT = "use io.Text and csv"


def spans(*found: tuple[int, int, str]) -> list[Span]:
    """Spans from (start, end, label)."""
    return [Span(start=start, end=end, label=label) for start, end, label in found]


def test_marks_stand_where_the_entities_are() -> None:
    """A mark that is one character off makes a right answer look wrong."""
    example = Disagreement(
        text=TEXT,
        gold=spans((4, 11, "class"), (16, 19, "mod")),
        teacher=spans((4, 11, "class")),
        student=spans((4, 11, "func"), (16, 19, "mod")),
    )
    gold, teacher, student = readings(example)
    assert gold.pieces == [
        Piece("use "),
        Piece("io.Text", "class", "gold"),
        Piece(" and "),
        Piece("csv", "mod", "gold"),
    ]
    assert [piece.agreement for piece in student.pieces if piece.label] == ["wrong", "right"]
    assert teacher.note == "1\u00a0right, 1\u00a0missed"
    assert student.note == "1\u00a0right, 1\u00a0wrong, 1\u00a0missed"


def test_the_text_is_always_whole() -> None:
    """Overlapping or impossible spans must not swallow or repeat text."""
    odd = spans((0, 5, "a"), (3, 8, "b"), (10, 10, "c"), (15, 99, "d"))
    for reading in readings(Disagreement(text=TEXT, gold=odd, teacher=odd)):
        assert "".join(piece.text for piece in reading.pieces) == TEXT
