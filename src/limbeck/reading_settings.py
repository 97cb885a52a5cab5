"""How a fine-tuned model reads what it is given: written beside it when it is exported, and kept when it answers."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field

from limbeck.config import Config
from limbeck.decoding.grouping import Strategy
from limbeck.errors import ModelError, RecipeError

READING_FILE = "reading.json"
"""Within the model folder."""


class ReadingSettings(Config):
    """Those that a model's scores were measured with."""

    length: int = Field(default=384, ge=8)
    """Tokens of a window; no more than the model has positions."""
    stride: int = Field(default=128, ge=0)
    """Tokens that neighbouring windows of a long text share."""
    question_length: int = Field(default=64, ge=1)
    """Tokens of a question that are read."""
    answer_length: int = Field(default=30, ge=1)
    """Tokens of the longest answer."""
    threshold: float = 0.0
    """By how much "no answer" has to be likelier than the best answer, in logits, to be said where it may be."""
    aggregation_strategy: Strategy = "simple"
    """How the tokens of an entity become one; `simple` is what the Hub's inference API does. A tagger that learned each
    word's class at its first token says nothing sensible at the others, and is read there: `first`."""


def read_settings(folder: Path) -> ReadingSettings:
    """Those of a model folder, or the usual ones where it has none.

    Raises:
        ModelError: the file is damaged.
    """
    file = folder / READING_FILE
    if not file.is_file():
        return ReadingSettings()
    try:
        return ReadingSettings.parse(json.loads(file.read_text("utf-8")), READING_FILE)
    except (ValueError, RecipeError) as error:
        raise ModelError(f"{file} cannot be read: {error}; export the model again") from None
