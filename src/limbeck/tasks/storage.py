"""Test examples beside fine-tuned models, so that they can be judged without the data set."""

import json
from collections.abc import Sequence
from pathlib import Path

from limbeck.tasks.tagged_text import TaggedText


def write_examples(examples: Sequence[TaggedText], path: Path) -> None:
    """One JSON object a line: text, words as character spans, tags, group."""
    with path.open("w", encoding="utf-8") as file:
        for example in examples:
            row = {"text": example.text, "words": example.words, "tags": example.tags, "group": example.group}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_examples(path: Path) -> list[TaggedText]:
    """The inverse of `write_examples`."""
    examples = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            words = tuple((start, end) for start, end in row["words"])
            examples.append(TaggedText(row["text"], words, tuple(row["tags"]), row["group"]))
    return examples
