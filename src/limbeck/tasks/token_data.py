"""Where the examples of token classification come from: the `data:` of fine-tuning and evaluation."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from limbeck.config import Config, CorpusRef
from limbeck.tasks.lines import identity
from limbeck.tasks.splits import Examples, Splits, cut
from limbeck.tasks.tagged_text import TaggedText

Paths = str | tuple[str, ...]
"""One file or several, plain or .gz."""


class Cut(Config):
    """Examples that are cut from training, whole documents at a time."""

    cut: float = Field(default=0.1, gt=0, lt=1)
    """Share of the training examples."""


class _Files(Config):
    train: Paths | None = None
    dev: Paths | Cut = Cut()
    """Files, or the share to cut from training."""
    test: Paths | Cut | None = None
    """Files, or the share to cut from training, the same one whatever the seed."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.train is None and not isinstance(self.test, str | tuple):
            raise ValueError("names no examples; give train, test, or both")
        return self

    def outside(self) -> Any:
        """Path, size and time of change of every file."""
        given = [value for value in (self.train, self.dev, self.test) if isinstance(value, str | tuple)]
        return identity(path for value in given for path in _each(value))


class Columns(Config):
    """Which column of a row holds what, counted from 0."""

    token: int = Field(default=0, ge=0)
    tag: int = Field(default=1, ge=0)


class Iob(_Files):
    """Files with one word a line and its IOB2 tag in a column."""

    kind: Literal["iob"] = "iob"
    columns: Columns = Columns()


class JsonLines(_Files):
    """Files with one JSON object a line: a list of words and a list of IOB2 tags."""

    kind: Literal["jsonl"] = "jsonl"
    tokens: str = "tokens"
    """Field that holds the words."""
    tags: str = "tags"
    """Field that holds the tags."""


class Hub(Config):
    """A data set of the Hugging Face Hub, or a local folder in the same form."""

    kind: Literal["hub"] = "hub"
    id: str
    """Hub id or folder."""
    subset: str | None = None
    """Which configuration of the data set, where it has several."""
    revision: str | None = None
    """Commit, tag or branch."""
    tokens: str = "tokens"
    """Column that holds the words."""
    tags: str = "ner_tags"
    """Column that holds the tags, as strings or as class labels."""
    train: str | None = "train"
    """Name of the split."""
    dev: str | Cut = "validation"
    """Name of the split, or the share to cut from training."""
    test: str | None = "test"
    """Name of the split."""

    def outside(self) -> Any:
        """Id and revision, or the files of a local folder."""
        if not Path(self.id).is_dir():
            return {"id": self.id, "revision": self.revision}
        return identity(sorted(str(path) for path in Path(self.id).rglob("*") if path.is_file()))


class AnnotatedCorpus(Config):
    """The annotated paragraphs of a corpus step, split as the corpus says."""

    kind: Literal["annotated_corpus"] = "annotated_corpus"
    corpus: CorpusRef

    def outside(self) -> None:
        """Nothing: the corpus is part of the run."""
        return


TokenData = Annotated[Iob | JsonLines | Hub | AnnotatedCorpus, Field(discriminator="kind")]

_Read = Callable[[str], tuple[list[TaggedText], int]]


def load(spec: Iob | JsonLines | Hub, seed: int) -> Splits:
    """Reads every split that `spec` names; `seed` decides which examples are cut for development.

    The documents of an `AnnotatedCorpus` are handed to `examples_from_documents` instead.

    Raises:
        DataError: something cannot be read; the sentence names it.
    """
    read = _reader(spec)
    notes: list[str] = []
    train = _read_all(read, spec.train, notes)
    if isinstance(spec.test, Cut):
        train, test = cut(train, spec.test.cut, seed=0, part="test")
    else:
        test = _read_all(read, spec.test, notes)
    if not isinstance(spec.dev, Cut):
        return Splits(train, _read_all(read, spec.dev, notes), test, tuple(notes))
    stays, dev = cut(train, spec.dev.cut, seed) if train else ((), ())
    return Splits(stays, dev, test, tuple(notes))


def name_of(data: Mapping[str, Any]) -> str:
    """A short name for tables, of a spec as a manifest records it: of the test files, the data set, the corpus.

    A test set that was cut from the training files has their name.
    """
    match data["kind"]:
        case "hub":
            return str(data["id"]).rstrip("/").rpartition("/")[2]
        case "annotated_corpus":
            return str(data["corpus"]).removeprefix("@")
        case _:
            test = data.get("test")
            path = Path(_each(data["train"] if test is None or isinstance(test, Mapping) else test)[0])
            stem = path.name.partition(".")[0]
            return path.resolve().parent.name if stem in ("train", "dev", "test") else stem


def _reader(spec: Iob | JsonLines | Hub) -> _Read:
    from limbeck.tasks.iob_files import read_iob
    from limbeck.tasks.records import read_hub, read_json_lines

    match spec:
        case Iob():
            return partial(read_iob, token=spec.columns.token, tag=spec.columns.tag)
        case JsonLines():
            return partial(read_json_lines, tokens=spec.tokens, tags=spec.tags)
        case Hub():
            return lambda split: read_hub(spec.id, spec.subset, spec.revision, split, (spec.tokens, spec.tags))


def _read_all(read: _Read, names: Paths | None, notes: list[str]) -> Examples:
    examples: list[TaggedText] = []
    for name in _each(names):
        found, strays = read(name)
        examples += found
        if strays:
            notes.append(f"{name}: {strays} stray I- {'tag was' if strays == 1 else 'tags were'} read as B-")
    return tuple(examples)


def _each(names: Paths | None) -> Sequence[str]:
    return () if names is None else (names,) if isinstance(names, str) else names
