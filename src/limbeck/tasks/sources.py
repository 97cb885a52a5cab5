"""Where the examples of any task come from: files, or a data set of the Hub, in up to three parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PositiveInt, model_validator

from limbeck.config import Config, did_you_mean
from limbeck.errors import DataError
from limbeck.tasks.lines import identity
from limbeck.tasks.splits import E, Splits, cut, drawn

Paths = str | tuple[str, ...]
"""One file or several, plain or .gz."""

CONVERTED = "refs/convert/parquet"
"""The branch with the Parquet files that the Hub makes of data sets which come as a script."""

Read = Callable[[str], tuple[Sequence[E], Sequence[str]]]
"""Reads one file, or one split of a data set: the examples, and sentences about what was repaired or left out."""


class Cut(Config):
    """Examples that are cut from training, whole documents at a time."""

    cut: float = Field(default=0.1, gt=0, lt=1)
    """Share of the training examples."""


class Files(Config):
    """Examples in files; a subclass says of which form and of which task."""

    train: Paths | None = None
    dev: Paths | Cut = Cut()
    """Files, or the share to cut from training."""
    test: Paths | Cut | None = None
    """Files, or the share to cut from training, the same one whatever the seed."""
    most: PositiveInt | None = None
    """How many training examples to use at most, drawn from all, the same ones whatever the seed."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.train is None and not isinstance(self.test, str | tuple):
            raise ValueError("names no examples; give train, test, or both")
        return self

    def outside(self) -> Any:
        """Path, size and time of change of every file."""
        given = [value for value in (self.train, self.dev, self.test) if isinstance(value, str | tuple)]
        return identity(path for value in given for path in each(value))


class HubSet(Config):
    """A data set of the Hugging Face Hub, or a local folder in the same form."""

    id: str
    """Hub id or folder."""
    subset: str | None = None
    """Which configuration of the data set, where it has several."""
    revision: str | None = None
    """Commit, tag or branch; `refs/convert/parquet` has what the Hub made of a data set that comes as a script."""
    train: str | None = "train"
    """Name of the split."""
    dev: str | Cut = "validation"
    """Name of the split, or the share to cut from training."""
    test: str | Cut | None = "test"
    """Name of the split, or the share to cut from training, the same one whatever the seed."""
    most: PositiveInt | None = None
    """How many training examples to use at most, drawn from all, the same ones whatever the seed."""

    def outside(self) -> Any:
        """Id and revision, or the files of a local folder."""
        if not Path(self.id).is_dir():
            return {"id": self.id, "revision": self.revision}
        return identity(sorted(str(path) for path in Path(self.id).rglob("*") if path.is_file()))

    def rows(self, split: str) -> Any:
        """The rows of one split, as `datasets` gives them.

        Raises:
            DataError: the data set or the split cannot be loaded.
        """
        from datasets import get_dataset_split_names, load_dataset
        from datasets.exceptions import DatasetsError

        # In the Hub's conversion subsets are folders and nothing else: without the folder, all are read as one.
        converted = self.revision == CONVERTED
        where = (self.id, None if converted else self.subset)
        which = {"revision": self.revision, "data_dir": self.subset if converted else None}
        try:
            known = get_dataset_split_names(*where, **which)
            rows = load_dataset(*where, split=split, **which) if split in known else None
        except (OSError, ValueError, RuntimeError, DatasetsError) as error:
            raise DataError(
                f"data set {self.id} cannot be loaded: {error}; correct id, subset or revision, or where there is no"
                f" network, fetch it elsewhere (hf download {self.id} --repo-type dataset --local-dir FOLDER) and give"
                " that folder as id"
            ) from None
        if rows is None:
            raise DataError(f'data set {self.id} has no split "{split}"{did_you_mean(split, known)}; correct the split')
        return rows


def read_splits(spec: Files | HubSet, read: Read[E], seed: int) -> Splits[E]:
    """Every part that `spec` names; `seed` decides which examples are cut for development."""
    notes: list[str] = []
    train = _read_all(read, spec.train, notes)
    if isinstance(spec.test, Cut):
        train, test = cut(train, spec.test.cut, seed=0, part="test") if train else ((), ())
    else:
        test = _read_all(read, spec.test, notes)
    train = drawn(train, spec.most)
    if not isinstance(spec.dev, Cut):
        return Splits(train, _read_all(read, spec.dev, notes), test, tuple(notes))
    stays, dev = cut(train, spec.dev.cut, seed) if train else ((), ())
    return Splits(stays, dev, test, tuple(notes))


def name_of(data: Mapping[str, Any]) -> str:
    """A short name for tables, of a spec as a manifest records it: of the test files, the data set, the corpus.

    A test set that was cut from the training files has their name.
    """
    if "corpus" in data:
        return str(data["corpus"]).removeprefix("@")
    if "id" in data:
        return str(data["id"]).rstrip("/").rpartition("/")[2]
    test = data.get("test")
    path = Path(each(data["train"] if test is None or isinstance(test, Mapping) else test)[0])
    stem = Path(path.name.removesuffix(".gz")).stem
    return path.resolve().parent.name if stem in ("train", "dev", "test") else stem


def each(names: Paths | None) -> Sequence[str]:
    """The files, be they one or several."""
    return () if names is None else (names,) if isinstance(names, str) else names


def _read_all(read: Read[E], names: Paths | None, notes: list[str]) -> tuple[E, ...]:
    examples: list[E] = []
    for name in each(names):
        found, remarks = read(name)
        examples += found
        notes += remarks
    return tuple(examples)
