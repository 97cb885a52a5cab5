"""Test examples beside fine-tuned models, so that they can be judged without the data set."""

import json
from collections.abc import Sequence
from pathlib import Path

from limbeck.tasks.splits import E
from limbeck.tasks.task import Task
from limbeck.windows.window import W


def write_examples(task: Task[E, W], examples: Sequence[E], path: Path) -> None:
    """One JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(task.row(example), ensure_ascii=False) + "\n")


def read_examples(task: Task[E, W], path: Path) -> list[E]:
    """The inverse of `write_examples`."""
    with path.open(encoding="utf-8") as file:
        return [task.example(json.loads(line)) for line in file]
