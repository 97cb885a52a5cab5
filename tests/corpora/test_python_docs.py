import sys
from pathlib import Path

import pytest

from limbeck.corpora import python_docs
from limbeck.corpora.docstrings import read_file
from limbeck.corpora.documents import Document
from limbeck.corpora.outcomes import Dropped, Failed, Finished
from limbeck.errors import DataError

MODULE = '''
"""The module's own words are :mod:`shown` here."""
import does_not_exist

class Thing:
    """Made by :func:`make` and ended by  :meth:`Thing.end` in the end."""

    if True:
        def end(self):
            """End."""

try:
    async def make():
        """Return a new :class:`~pkg.Thing` that nobody has used before."""
except Exception:
    pass
'''


def site(folder: Path, **modules: str) -> None:
    """Installs a package `demo` of the given modules."""
    info = folder / "demo-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\n")
    names = []
    for name, source in modules.items():
        path = folder / "demo" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        names.append(f"demo/{name}.py")
    tests = ["demo/tests/test_a.py", "../../bin/run.py"]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in [*reversed(names), *tests]))


def test_names_in_a_file_become_spans(tmp_path: Path) -> None:
    """A span one character off labels half a word."""
    path = tmp_path / "a.py"
    path.write_text(MODULE)
    found = read_file(path)
    texts = [text for paragraphs in found.docstrings for text, _ in paragraphs]
    names = [text[a:b] for paragraphs in found.docstrings for text, spans in paragraphs for a, b, _ in spans]
    assert texts == [
        "The module's own words are shown here.",
        "Made by make and ended by Thing.end in the end.",
        "Return a new Thing that nobody has used before.",
    ]
    assert names == ["shown", "make", "Thing.end", "Thing"]
    assert found.without_prose == 1


def test_a_package_is_read_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing a package to read it runs whatever code it has; a file twice or in another order changes the corpus."""
    repeated = '"""The module\'s own words are :mod:`shown` here.\n\nBut this paragraph is a new one."""'
    site(tmp_path, b=MODULE, a=repeated, broken="def f(:\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    found = list(python_docs.read(["demo"]))
    documents = [item for item in found if isinstance(item, Document)]
    assert [(item.source, item.text.count("\n")) for item in documents] == [
        ("demo/a.py", 1),
        ("demo/b.py", 0),
        ("demo/b.py", 0),
    ]
    assert [item.source for item in found if isinstance(item, Finished)] == ["demo/a.py", "demo/b.py"]
    (failed,) = (item for item in found if isinstance(item, Failed))
    assert "demo/broken.py cannot be parsed (SyntaxError" in failed.sentence
    assert Dropped("demo/b.py", "repeated", 1, "paragraph") in found
    assert Dropped("demo/b.py", "repeated") in found
    assert "does_not_exist" not in sys.modules


def test_the_version_identifies_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgraded package is another text."""
    site(tmp_path, a="x = 1")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert python_docs.versions(["DEMO"]) == {"demo": "1.0"}
    assert {"python", "numpy", "torch"} <= python_docs.versions(None).keys()
    assert "limbeck" not in python_docs.versions(None)


def test_the_standard_library_is_read_without_its_tests() -> None:
    """The tests are a third of it and document nothing."""
    files = python_docs.python_files(["python"])
    assert "python/json/decoder.py" in files
    assert "python/ast.py" in files
    assert not [name for name in files if "/test/" in name or "site-packages" in name]


def test_an_unknown_package_is_refused() -> None:
    """A misspelt package that is skipped in silence makes a smaller corpus."""
    with pytest.raises(DataError, match=r'the package "nunpy" is not installed; did you mean "numpy"\?'):
        python_docs.versions(["nunpy"])
