"""What a task has to say of itself, so that fine-tuning and evaluation need not know which one it is.

N windows, T tokens of a window, C classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from limbeck.errors import RecipeError
from limbeck.signals import Head
from limbeck.tasks.answer import Answer
from limbeck.tasks.replacing import Spot
from limbeck.tasks.slicing import thirds
from limbeck.tasks.splits import E, Splits
from limbeck.tasks.task_names import TaskName
from limbeck.windows.window import Floats, Ints, W, Windows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Rate = Callable[[Sequence[Any], Sequence[Any]], Sequence[float]]


@dataclass(frozen=True)
class Task(ABC, Generic[E, W]):
    """One task: from examples to what a model reads, and from what it says to answers."""

    name: ClassVar[TaskName]
    head: ClassVar[Head]

    @abstractmethod
    def labels(self, train: Sequence[E]) -> list[str]:
        """The classes that the training examples teach; none where the head has no classes.

        Raises:
            DataError: they teach nothing.
        """

    @abstractmethod
    def require_known(self, examples: Sequence[E], labels: Sequence[str], name: str) -> None:
        """Checks that a model of these `labels` can be right about every one of the `name` examples.

        Raises:
            DataError: names what the model could never say.
        """

    @abstractmethod
    def encode(
        self,
        examples: Sequence[E],
        tokenizer: PreTrainedTokenizerBase,
        labels: Sequence[str],
        length: int,
        stride: int,
    ) -> Windows[W]:
        """Windows of at most `length` tokens, of which neighbours of one example share `stride`.

        Raises:
            ModelError: the tokenizer cannot be used.
            RecipeError: such windows cannot be made.
        """

    @abstractmethod
    def targets(self, windows: Sequence[W], longest: int) -> Mapping[str, Ints | Floats]:
        """What is asked about these windows, padded to `longest` tokens, by the fields of `Batch`."""

    @abstractmethod
    def decode(
        self, examples: Sequence[E], windows: Windows[W], logits: Sequence[Floats], labels: Sequence[str]
    ) -> list[Answer]:
        """One answer for each example from the logits of every window, in their order.

        They are (T or more, C) of tags, (T or more, 2) of an answer's first and last token, (C,) of classes, (1,) of
        a number.
        """

    @abstractmethod
    def gold(self, example: E) -> Any:
        """What should be said, as metrics read it."""

    @abstractmethod
    def usual(self, train: Sequence[E]) -> Any:
        """What the trivial baseline learns of training examples, and what `slices` have to know of them, for JSON."""

    @abstractmethod
    def guess(self, usual: Any, examples: Sequence[E]) -> list[Any]:
        """What that baseline says, which a model has to beat."""

    def slices(self, examples: Sequence[E], usual: Any) -> dict[str, list[str]]:
        """By what test examples are told apart, and the part that each belongs to, "" for none."""
        return {"characters": thirds([len(example.text) for example in examples])}

    def settled(self, examples: Sequence[E], answers: Sequence[Answer], rate: Rate) -> dict[str, Any]:
        """Fields of the task that a member sets by its answers to development examples; none, if not overridden.

        `rate` says of each example how good an answer is, from 0 to 1: gold and said as metrics read them.
        """
        return {}

    @abstractmethod
    def texts(self, example: E) -> tuple[str, ...]:
        """All that is read of it."""

    @abstractmethod
    def unanswered(self, example: E) -> E:
        """The same with its answer forgotten: a model is asked, and nobody knows."""

    @abstractmethod
    def changeable(self, example: E) -> list[Spot]:
        """The words that may be replaced, in reading order."""

    @abstractmethod
    def replaced(self, example: E, words: Mapping[Spot, str]) -> E:
        """The example with other words at some of these spots, unanswered."""

    def plain(self, text: str) -> E:
        """Text that nobody has labelled as an unanswered example.

        Raises:
            RecipeError: plain text asks nothing of this kind.
        """
        raise RecipeError(
            "a corpus asks no questions, so it gives no examples of question answering; give unlabelled.data"
        )

    @abstractmethod
    def row(self, example: E) -> dict[str, Any]:
        """The example for a file, ready for JSON."""

    @abstractmethod
    def example(self, row: Mapping[str, Any]) -> E:
        """The inverse of `row`."""

    def check_trainable(self, splits: Splits[E]) -> None:
        """Checks that a model can be trained on these examples, and judged on them.

        Raises:
            DataError: training or development examples are missing or teach nothing, or ask for what training
                does not teach.
        """
        labels = self.labels(splits.require("train"))
        splits.require("dev")
        for examples, name in ((splits.dev, "development"), (splits.test, "test")):
            self.require_known(examples, labels, name)
