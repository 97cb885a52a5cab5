"""What a fine-tuned model says of one example."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer, whatever the task."""

    said: Any
    """What is compared with what should be said: a tag for every word, a stretch of text, a class, a number."""
    certainty: Any = None
    """How probable the model holds what it says, from 0 to 1: of tags a list, one for each word; None of numbers."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """For the reader, in JSON's terms."""

    def row(self) -> dict[str, Any]:
        """For a file of answers."""
        return {"said": self.said, "certainty": self.certainty, **self.details}
