import gzip

import pytest

from limbeck.errors import DataError
from limbeck.tasks.token_classification.iob_files import read_iob


def _write(tmp_path, text, name="some.iob2"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_tabs_white_space_and_line_ends(tmp_path):
    """A file from another system must not merge all its sentences into one."""
    for text in ("Ann\tB-PER\nran\tO\n\nOslo\tB-LOC\n", "Ann B-PER\r\nran O\r\n\r\n\r\nOslo  B-LOC"):
        examples, strays = read_iob(_write(tmp_path, text), 0, 1)
        assert [example.tokens for example in examples] == [["Ann", "ran"], ["Oslo"]]
        assert [example.tags for example in examples] == [("B-PER", "O"), ("B-LOC",)]
        assert strays == 0


def test_comments_are_skipped_and_a_hash_sign_is_a_word(tmp_path):
    """A tweet's # read as a comment loses a word, a comment read as a word ends the run."""
    text = "# newdoc id = 7\n# text = # is O\n1\t#\tO\n2\tAnn\tB-PER\n\n# newdoc\n1\tx\tO\n"
    examples, _ = read_iob(_write(tmp_path, text), 1, 2)
    assert [(example.text, example.group) for example in examples] == [("# Ann", "some.iob2#1"), ("x", "some.iob2#2")]
    (example,), _ = read_iob(_write(tmp_path, "# made by hand\n# O\n#tag O\n"), 0, 1)
    assert example.text == "# #tag"


def test_docstart_begins_a_document_and_is_no_word(tmp_path):
    """A marker tagged O in every document is free accuracy."""
    text = "-DOCSTART- -X- O\n\na DT O\n\nb NN B-PER\n-DOCSTART- -X- O\nc NN O\n"
    examples, _ = read_iob(_write(tmp_path, text), 0, 2)
    assert [(example.text, example.group[-2:]) for example in examples] == [("a", "#1"), ("b", "#1"), ("c", "#2")]


def test_gzip_and_byte_order_mark(tmp_path):
    """An invisible mark makes the first word an unknown one."""
    packed = gzip.compress("\ufeffAnn\tB-PER\n".encode())
    (example,), _ = read_iob(_write(tmp_path, packed, "x.iob2.gz"), 0, 1)
    assert example.text == "Ann"


def test_strays_are_counted(tmp_path):
    """A repair that nobody hears of hides a damaged file."""
    (example,), strays = read_iob(_write(tmp_path, "a\tO\nb\tI-PER\nc\tI-PER\n"), 0, 1)
    assert (example.tags, strays) == (("O", "B-PER", "I-PER"), 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a\tO\nb\n", r"some\.iob2:2 has no column 1 \(counted from 0, parted by tabs\), only 1 in all"),
        ("a O\nb x O\n", r"some\.iob2:2 has 3 columns \(parted by white space\), the lines before it 2"),
        ("a\tO\n\nb\tS-PER\n", r'some\.iob2:3 has "S-PER" in its tag column .* not an IOB2 tag'),
        ("a\tO\nb\t\n", r'some\.iob2:2 has "" in its tag column'),
        ("", r"some\.iob2 is empty"),
        ("\n\n", r"some\.iob2 has no sentence"),
        (b"a\tO\n\xff\xfe\tO\n", r"some\.iob2:2 is not UTF-8 \(byte 0xff\)"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, text, sentence):
    """A line dropped in silence shifts the score by an amount that nobody can explain."""
    with pytest.raises(DataError, match=sentence):
        read_iob(_write(tmp_path, text), 0, 1)


def test_a_file_that_cannot_be_opened_or_unpacked(tmp_path):
    """A traceback does not say which path of the recipe is wrong."""
    with pytest.raises(DataError, match=r"nowhere\.iob2 cannot be read \(No such file"):
        read_iob(str(tmp_path / "nowhere.iob2"), 0, 1)
    with pytest.raises(DataError, match="cannot be read"):
        read_iob(str(tmp_path), 0, 1)
    packed = gzip.compress(b"".join(b"word%d\tO\n" % index for index in range(5000)))
    with pytest.raises(DataError, match=r"cut\.gz is cut off after line \d+"):
        read_iob(_write(tmp_path, packed[: len(packed) // 2], "cut.gz"), 0, 1)
    with pytest.raises(DataError, match=r"plain\.gz is not sound gzip"):
        read_iob(_write(tmp_path, "a\tO\n", "plain.gz"), 0, 1)
    spoilt = bytearray(packed)
    spoilt[len(packed) // 2] ^= 0xFF
    with pytest.raises(DataError, match=r"spoilt\.gz"):
        read_iob(_write(tmp_path, bytes(spoilt), "spoilt.gz"), 0, 1)


@pytest.mark.parametrize(
    ("name", "columns", "counts", "strays"),
    [
        ("ner/sv/webbnyheter2012_sv-train.iob2.gz", (0, 1), (6885, 113124, 4200), 0),
        ("ner/sv/uner_sv_talbanken-dev.iob2", (1, 2), (504, 9797, 23), 0),
        ("ner/xling/uner_da_ddt-test.iob2", (1, 2), (565, 10023, 446), 1),
        ("ner/en/btc_en-train.iob2.gz", (0, 1), (7338, 120907, 11517), 0),
    ],
)
def test_real_files_give_their_published_counts(shared_data, name, columns, counts, strays):
    """A reader that loses sentences changes every score drawn from them."""
    examples, found = read_iob(str(shared_data / name), *columns)
    words = sum(len(example.words) for example in examples)
    begun = sum(tag.startswith("B-") for example in examples for tag in example.tags)
    assert (len(examples), words, begun - found) == counts
    assert found == strays
