"""The tasks that models are fine-tuned for, by name."""

from typing import Literal

TaskName = Literal["token_classification", "question_answering", "sequence_classification", "regression"]
