"""What every kind of model that answers has in common: inputs become windows, and their logits become answers.

T tokens of a window.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import ConfigDict, field_validator

from limbeck.config import Config
from limbeck.errors import DataError
from limbeck.processor import Processor
from limbeck.reading_settings import ReadingSettings
from limbeck.runtime.folder import ModelFolder
from limbeck.windows.window import Floats, Ints, Window


@dataclass(frozen=True)
class Asked:
    """One input, ready for the model."""

    windows: tuple[Window, ...]
    answer: Callable[[Sequence[Floats]], Any]
    """From the logits of every window, in their order, to what is said, as plain Python values."""
    rows: Ints | None = None
    """The tokens of each window whose logits are read; all of them without it."""

    def kept(self, rows: Floats) -> Floats:
        """Of a window's logits those that are read; a vocabulary's for every token would fill the memory."""
        return rows.copy() if self.rows is None else rows[self.rows]

    @property
    def tokens(self) -> int:
        """Of all windows, special ones included."""
        return sum(len(window.input_ids) for window in self.windows)


class Parameters(Config):
    """What may be asked for beside the inputs, in JSON's types: neither `true` nor "3" is a number."""

    model_config = ConfigDict(strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        """JSON has one kind of number, and 3.0 is an integer."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


Options = TypeVar("Options", bound=Parameters)


class Kind(ABC, Generic[Options]):
    """A kind of model: what it is asked, how it is read, what it says."""

    options: ClassVar[type[Parameters]]
    """`parameters` of a request."""

    def __init__(self, folder: ModelFolder, processor: Processor, settings: ReadingSettings) -> None:
        self.folder = folder
        self.processor = processor
        self.settings = settings

    @property
    def longest(self) -> int:
        """Tokens of a window, at most."""
        return min(self.settings.length, self.folder.positions)

    @abstractmethod
    def prepare(self, inputs: Sequence[Any], options: Options) -> list[Asked]:
        """Checks the inputs and cuts them into windows.

        Raises:
            DataError: an input is not of the form that this kind takes, or cannot be read.
        """


def text_of(given: Any, what: str) -> str:
    """A text that can be tokenised.

    Raises:
        DataError: it is no string, or none that UTF-8 can write.
    """
    if not isinstance(given, str):
        raise DataError(f"{what} should be a text; found {_called(given)}")
    try:
        given.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"{what} has half of a surrogate pair, which is no character; send text in UTF-8") from None
    return given


def fields_of(given: Any, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, str]:
    """The named texts of one input.

    Raises:
        DataError: one is missing, unknown, or no text; optional ones may be null.
    """
    form = "{" + ", ".join(f'"{name}": ...' for name in required) + "}"
    if not isinstance(given, dict):
        raise DataError(f"an input should be an object {form}; found {_called(given)}")
    missing = [name for name in required if name not in given]
    unknown = [name for name in given if name not in (*required, *optional)]
    if missing or unknown:
        wrong = f'lacks "{missing[0]}"' if missing else "has a field that is not known"
        raise DataError(f"an input {wrong}; it should be an object {form}")
    named = [*required, *(name for name in optional if given.get(name) is not None)]
    return {name: text_of(given[name], f"the {name}") for name in named}


def _called(given: Any) -> str:
    """The kind of value, in JSON's words; what it says is nobody's business."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "nothing"}
    return names.get(type(given), "a number")
