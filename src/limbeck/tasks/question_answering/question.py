"""A question about a text: the one form in which question answering reads every data set."""

from collections import Counter
from dataclasses import dataclass

from limbeck.errors import DataError

Placed = tuple[str, int]
"""An answer and where it starts, in characters of the context."""


@dataclass(frozen=True)
class Question:
    """One example."""

    question: str
    text: str
    """The context that the answer is a stretch of."""
    answers: tuple[Placed, ...] = ()
    """What counts as right, as often as somebody gave it; none where the context does not answer the question, or
    nobody has looked."""
    id: str = ""
    group: str = ""
    """Article that must not be parted between training and test; empty: not known."""
    answered: bool = True
    """False where nobody has said what the answer is, or that there is none."""

    def __post_init__(self) -> None:
        for answer, start in self.answers:
            if start < 0 or not answer or not self.text.startswith(answer, start):
                raise DataError(f'question {self.id}: the answer "{answer}" does not stand at {start} of its context')

    @property
    def impossible(self) -> bool:
        """Whether the context holds no answer."""
        return not self.answers

    @property
    def taught(self) -> Placed | None:
        """The answer to train on: the one given most often, the first of equals."""
        return Counter(self.answers).most_common(1)[0][0] if self.answers else None
