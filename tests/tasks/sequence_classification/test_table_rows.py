import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.errors import DataError
from limbeck.tasks.sequence_classification.table_rows import MOST_RAGGED, format_of, read_rows

TEXT = {"text": "text", "label": "label"}


@pytest.fixture
def written(tmp_path):
    """Writes a file and gives its path."""

    def write(content, name="x.tsv"):
        path = tmp_path / name
        packed = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(packed) if name.endswith(".gz") else packed)
        return str(path)

    return write


def _cells(path, columns=TEXT, **more):
    return [tuple(row.cells.values()) for row in read_rows(path, columns, **more)[0]]


def test_a_quote_in_tsv_is_a_character(written):
    """GLUE's files hold lone quotes: read as CSV, one of them swallows a hundred rows without a word."""
    path = written('text\tlabel\n" he said\t1\nno "" quote"\t0\n')
    assert _cells(path) == [('" he said', "1"), ('no "" quote"', "0")]


def test_csv_by_its_rules(written):
    """A comma, a line end or a quote inside a field must not end it."""
    path = written('label,text\n1,"a, ""b""\nc"\n0,plain\n', "x.csv")
    rows = read_rows(path, TEXT)[0]
    assert [row.cells for row in rows] == [{"text": 'a, "b"\nc', "label": "1"}, {"text": "plain", "label": "0"}]
    assert [row.where for row in rows] == [f"{path}:2", f"{path}:4"]


def test_json_lines(written):
    """Fields are found by name, in whatever order they stand."""
    path = written('{"text": "a\\tb", "label": 1}\n\n{"label": 0, "text": ""}\n', "x.jsonl")
    assert _cells(path) == [("a\tb", 1), ("", 0)]


@pytest.mark.parametrize("name", ["x.tsv", "x.tsv.gz", "x.csv"])
def test_marks_of_other_systems(written, name):
    """A byte order mark in the first column's name, or a carriage return in the last one's, hides that column."""
    comma = "," if name == "x.csv" else "\t"
    path = written("\ufefftext,label\r\nå 🙂,1\r\n\r\n".replace(",", comma), name)
    assert _cells(path) == [("å 🙂", "1")]


def test_columns_by_number(written):
    """CoLA has no header: its first row is an example."""
    path = written("a\t1\tx\nb\t0\ty\n")
    assert _cells(path, {"text": 2, "label": 1}, header=False) == [("x", "1"), ("y", "0")]
    assert _cells(path, {"text": 2, "label": 1}) == [("y", "0")]


def test_only_newlines_end_a_row(written):
    """Line separators of Unicode stand inside texts; a file cut at them has rows of half texts."""
    path = written("text\tlabel\na\u2028b\x85c\x0bd\t1\n")
    assert _cells(path) == [("a\u2028b\x85c\x0bd", "1")]


def test_a_few_ragged_rows_are_left_out_and_said(written):
    """Rows that vanish without a word change a test set."""
    path = written("text\tlabel\n" + "a\t1\n" * 198 + "b\n" + "c\t1\t2\n")
    rows, notes = read_rows(path, TEXT)
    assert len(rows) == 198
    assert notes == [
        f"{path}: 2 of 200 rows have not the 2 fields of the first line (line 200 has 1) and were left out"
    ]
    assert MOST_RAGGED == 2 / 200


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "x.tsv",
            "text\tlabel\na\t1\nb\n",
            r"1 of 2 rows has not the 2 fields .*line 3 has 1.*more than 1% is too many",
        ),
        ("x.tsv", "text\tlable\na\t1\n", r'x\.tsv has no column "label"; did you mean "lable"'),
        ("x.tsv", "a b c\t1\nd\t0\n", r"If its first line is no header, say header: false"),
        ("x.tsv", "text\tlabel\n", r"x\.tsv has no row below its header; give examples"),
        ("x.tsv", "", r"x\.tsv is empty"),
        ("x.tsv", b"text\tlabel\n\xff\t1\n", r"x\.tsv:2 is not UTF-8"),
        ("x.csv", 'text,label\nok,1\n"open,1\nmore,1\n', r"x\.csv:3 is not CSV \(unexpected end of data\); close its"),
        ("x.csv", 'text,label\n"a"b,1\n', r"x\.csv:2 is not CSV .*say format: tsv if nothing is quoted"),
        ("x.jsonl", '{"text": "a"}\n', r'x\.jsonl:1 has no field "label"; known: text'),
        ("x.jsonl", "[1]\n", r"x\.jsonl:1 is a JSON list; give one JSON object a line"),
        ("x.jsonl", '{"text"\n', r"x\.jsonl:1 is not JSON"),
        ("x.txt", "text\tlabel\n", r"x\.txt ends in none of \.tsv, .*say which it is: `format`"),
    ],
)
def test_an_unusable_file_is_named(written, name, content, sentence):
    """One bad line among a million cannot be found without its number."""
    with pytest.raises(DataError, match=sentence):
        read_rows(written(content, name), TEXT)


@pytest.mark.parametrize(
    ("name", "columns", "header", "sentence"),
    [
        ("x.tsv", {"text": 0, "label": 2}, False, r"has no column 2 \(counted from 0\), only 2 in all"),
        ("x.tsv", {"text": "a", "label": 1}, False, r'read without a header, so "a" names no column.*"a", "1"'),
        ("x.jsonl", {"text": 0, "label": "label"}, True, r"has no numbered columns; give column 0 by its name"),
    ],
)
def test_a_column_that_is_not_there(written, name, columns, header, sentence):
    """A column number that is off by one would train on the wrong text."""
    with pytest.raises(DataError, match=sentence):
        read_rows(written("a\t1\nb\t0\n" if name == "x.tsv" else '{"label": 1}\n', name), columns, header=header)


def test_formats_by_name():
    """The ending decides, and `.gz` hides it from no one."""
    assert [format_of(name) for name in ("a.tsv", "b.csv.gz", "c.jsonl", "d.e.ndjson.gz")] == [
        "tsv",
        "csv",
        "jsonl",
        "jsonl",
    ]


_FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), max_size=20)


@given(rows=st.lists(st.tuples(_FIELD, _FIELD), min_size=1, max_size=8))
def test_csv_comes_back_as_it_was_written(rows, tmp_path_factory):
    """Python's writer and our reader must mean the same quotes."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("text", "label"), *rows])
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_text(out.getvalue(), "utf-8", newline="")
    assert _cells(str(path)) == rows


@given(rows=st.lists(st.tuples(_FIELD, _FIELD), min_size=1, max_size=8))
def test_tsv_takes_every_other_character_as_it_is(rows, tmp_path_factory):
    """Nothing but a tab or a line end has a meaning in TSV."""
    rows = [(text.replace("\t", " ") + "x", label.replace("\t", " ")) for text, label in rows]
    path = tmp_path_factory.mktemp("tsv") / "x.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows), "utf-8", newline="")
    assert _cells(str(path)) == rows
