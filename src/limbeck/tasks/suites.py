"""Suites: named lists of data sets, as data (`limbeck/suites/*.yaml`). The files' headers say what each is made of."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, PositiveInt, model_validator

from limbeck.config import Config, did_you_mean
from limbeck.errors import DataError
from limbeck.tasks.data import AnyData
from limbeck.tasks.sources import Files, HubSet, each

Name = Annotated[str, Field(pattern=r"^\w[\w. +-]*$")]
"""Of a data set, in tables and of folders."""


class Dataset(Config):
    """A data set with what to call it."""

    name: Name
    """In tables."""
    language: str = ""
    """Of its texts: `en`, `sv`, ...; it decides how written answers are compared."""
    data: AnyData
    """Where its examples are."""


class Listed(Config):
    """A data set of a suite: on the Hub, in files, or both."""

    name: Name
    language: str
    data: AnyData | None = None
    """Where no `root` is given."""
    files: AnyData | None = None
    """Where one is, with paths below it; without this, a copy of the Hub's data set is looked for there."""
    download: str = ""
    """Where to get the files, where the suite's own `download` does not say."""


class SuiteFile(Config):
    """A suite as its file has it."""

    download: str = ""
    """Where to get the files."""
    datasets: list[Listed] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [dataset.name for dataset in self.datasets]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise ValueError(
                    f"two data sets are called {name}, so their scores could not be told apart; rename one"
                )
        return self


class Suite(Config):
    """Several data sets, each for itself; a name alone is short for `{name: ...}`."""

    name: str
    """`glue`, `klej`, `squad`, `superlim-ner-qa`, `xtreme-ner`, or a YAML file of your own in their form."""
    root: str | None = None
    """Folder of the files that take the place of the Hub's data sets."""
    only: tuple[str, ...] = ()
    """Which of its data sets, by name; all of them by default."""
    most: PositiveInt | None = None
    """How many training examples of each to use at most."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        known = [listed.name for listed in read_suite(self.name).datasets]
        for name in self.only:
            if name not in known:
                raise ValueError(f'the suite {self.name} has no "{name}"{did_you_mean(name, known)}')
        return self

    def datasets(self) -> list[Dataset]:
        """The data sets that are meant, in the suite's order.

        Raises:
            DataError: one of them is not there; the sentence says what to download and where to put it.
        """
        suite = read_suite(self.name)
        chosen = [listed for listed in suite.datasets if not self.only or listed.name in self.only]
        return [self._found(listed, listed.download or suite.download) for listed in chosen]

    def outside(self) -> Any:
        """What is read from outside the run, of every data set."""
        return {dataset.name: dataset.data.outside() for dataset in self.datasets()}

    def _found(self, listed: Listed, download: str) -> Dataset:
        if self.root is None and listed.data is not None:
            data = listed.data
        elif self.root is None:
            raise DataError(
                f"{listed.name} of the suite {self.name} has no form that the Hub's reader reads; download it"
                f" ({download}), name the folder as `root`, or choose others with `only`"
            )
        else:
            data = self._below(Path(self.root), listed, download)
        if self.most is not None and isinstance(data, Files | HubSet):
            data = data.model_copy(update={"most": self.most})
        return Dataset(name=listed.name, language=listed.language, data=data)

    def _below(self, root: Path, listed: Listed, download: str) -> Any:
        """The data set in files below `root`, of which each may be gzip."""
        data = listed.files or listed.data
        if isinstance(data, HubSet):
            folder = root / data.id
            if not folder.is_dir():
                command = f"hf download {data.id} --repo-type dataset --local-dir {folder}"
                raise DataError(self._missing(listed, str(folder), command))
            return data.model_copy(update={"id": str(folder), "revision": None})
        if not isinstance(data, Files):
            raise DataError(f"{listed.name} of the suite {self.name} is not made of files; leave `root` out")

        def found(path: str) -> str:
            for place in (root / path, root / f"{path}.gz"):
                if place.is_file():
                    return str(place)
            raise DataError(self._missing(listed, str(root / path), download))

        given = {part: getattr(data, part) for part in ("train", "dev", "test")}
        paths = {part: value for part, value in given.items() if isinstance(value, str | tuple)}
        return data.model_copy(update={part: tuple(map(found, each(value))) for part, value in paths.items()})

    def _missing(self, listed: Listed, place: str, download: str) -> str:
        return (
            f"{listed.name} of the suite {self.name} is not there: {place} is missing. Download it ({download}) and put"
            " it in that place, correct `root`, or choose other data sets with `only`"
        )


def suite_names() -> list[str]:
    """All suites that come with Limbeck, in alphabetical order."""
    names = (entry.name for entry in (files("limbeck") / "suites").iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def read_suite(name: str) -> SuiteFile:
    """A suite by its name, or from a YAML file.

    Raises:
        ValueError: there is none of that name, or its file cannot be used.
    """
    own = name.endswith((".yaml", ".yml"))
    if not own and name not in suite_names():
        raise ValueError(f'there is no suite "{name}"{did_you_mean(name, suite_names())}')
    try:
        text = (Path(name) if own else files("limbeck") / "suites" / f"{name}.yaml").read_text("utf-8")
        content = yaml.safe_load(text)
    except OSError as error:
        raise ValueError(f"the suite {name} cannot be read ({error.strerror}); correct the path") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"the suite {name} is not YAML ({' '.join(str(error).split())}); correct the file") from None
    if not isinstance(content, Mapping):
        raise ValueError(f"the suite {name} should say `datasets:`; see the suites that come with Limbeck")
    return SuiteFile.parse(content, f"suite {name}")
