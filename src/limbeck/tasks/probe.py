"""What a finished encoder is tried on: one task, a linear classifier, and nothing in the encoder moves."""

from pydantic import Field

from limbeck.config import Config
from limbeck.tasks.data import AnyData
from limbeck.tasks.sources import name_of


class Probe(Config):
    """A look at whether a training made anything of its model that a task can use.

    Only a linear classifier is trained, on the vectors of the last layer; the same is done with an encoder of the same
    architecture that was never trained, and with the one that the step began with.
    """

    data: AnyData
    """Labelled examples: tags of words, or classes of texts. The test part is not looked at."""
    texts: int = Field(default=1_000, ge=50)
    """Training examples that are read, at most, and half as many of development."""
    length: int = Field(default=128, ge=16)
    """Longest window in tokens."""
    must_learn: bool = True
    """End in an error if the model is not clearly better than the same architecture untrained."""

    def sentence(self) -> str:
        """What is tried, in words."""
        return (
            f"afterwards its frozen encoder is tried on at most {self.texts + self.texts // 2:,} texts of"
            f" {name_of(self.data.model_dump())}, beside the same architecture untrained"
        )
