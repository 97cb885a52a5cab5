"""Token classification as a task: a tag for every word of a text.

T tokens of a window, W words of an example, C tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from limbeck.decoding.entities import decode
from limbeck.errors import DataError
from limbeck.signals import Head
from limbeck.tasks.answer import Answer
from limbeck.tasks.replacing import Spot, moved, rewritten, spots_of
from limbeck.tasks.task import Task
from limbeck.tasks.task_names import TaskName
from limbeck.tasks.token_classification.baseline import look_up, usual_tags
from limbeck.tasks.token_classification.encoding import IGNORED, TaggedWindow, encode
from limbeck.tasks.token_classification.entity_slices import slices, written
from limbeck.tasks.token_classification.iob import UNKNOWN_TAG, label_set
from limbeck.tasks.token_classification.tagged_text import TaggedText, split_words
from limbeck.tasks.token_classification.word_scores import word_scores
from limbeck.windows.window import Floats, Ints, Windows, padded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class TokenClassification(Task[TaggedText, TaggedWindow]):
    """The tags are IOB2; what is said of a word is said at its first token."""

    name: ClassVar[TaskName] = "token_classification"
    head: ClassVar[Head] = "tags"

    def labels(self, train: Sequence[TaggedText]) -> list[str]:
        """`O`, then `B-X` and `I-X` for every type X in alphabetical order.

        Raises:
            DataError: no word of the training examples belongs to an entity.
        """
        labels = label_set([example.tags for example in train])
        if len(labels) == 1:
            raise DataError(
                f"none of the {len(train)} training examples has an entity; check which column holds the tags"
            )
        return labels

    def require_known(self, examples: Sequence[TaggedText], labels: Sequence[str], name: str) -> None:
        """Checks that every tag is one of the model's `labels`; `name` says which examples these are.

        Raises:
            DataError: names the unknown tags.
        """
        unknown = sorted({tag for example in examples for tag in example.tags} - set(labels))
        if unknown:
            raise DataError(
                f"the {name} examples have labels that the model does not know: {_some(unknown)}; it knows "
                f"{_some(sorted(labels))}. Map them to known labels, or add training examples that have them"
            )

    def encode(
        self,
        examples: Sequence[TaggedText],
        tokenizer: PreTrainedTokenizerBase,
        labels: Sequence[str],
        length: int,
        stride: int,
    ) -> Windows[TaggedWindow]:
        """See `encoding.encode`."""
        return encode(examples, tokenizer, labels, length, stride)

    def targets(self, windows: Sequence[TaggedWindow], longest: int) -> Mapping[str, Ints]:
        """A label at the first token of every word."""
        return {"labels": padded([window.labels for window in windows], longest, IGNORED)}

    def decode(
        self,
        examples: Sequence[TaggedText],
        windows: Windows[TaggedWindow],
        logits: Sequence[Floats],
        labels: Sequence[str],
    ) -> list[Answer]:
        """The most likely tag of every word, the first of equals."""
        scores = word_scores(examples, windows, logits, labels)
        return [Answer(tuple(decode(scores_WC, labels)), _certainty(scores_WC)) for scores_WC in scores]

    def gold(self, example: TaggedText) -> tuple[str, ...]:
        """Its tags."""
        return example.tags

    def usual(self, train: Sequence[TaggedText]) -> dict[str, Any]:
        """Each word's most frequent tag, and the entities as they are written."""
        tags = usual_tags([example.tokens for example in train], [example.tags for example in train])
        return {"tags": tags, "entities": sorted({name for example in train for name, _ in written(example)})}

    def guess(self, usual: Any, examples: Sequence[TaggedText]) -> list[Any]:
        """The usual tag of every word; `O` for a word that was never seen."""
        return [tuple(tags) for tags in look_up(usual["tags"], [example.tokens for example in examples])]

    def slices(self, examples: Sequence[TaggedText], usual: Any) -> dict[str, list[str]]:
        """By words, by the type of the entities, and by whether training had these."""
        return slices(examples, set(usual["entities"]))

    def texts(self, example: TaggedText) -> tuple[str, ...]:
        """The one text."""
        return (example.text,)

    def unanswered(self, example: TaggedText) -> TaggedText:
        """The same words without tags."""
        return replace(example, tags=(UNKNOWN_TAG,) * len(example.words))

    def changeable(self, example: TaggedText) -> list[Spot]:
        """Every word of letters, those of entities too: the tags are the teacher's."""
        return spots_of(example.text, words=example.words)

    def replaced(self, example: TaggedText, words: Mapping[Spot, str]) -> TaggedText:
        """Other words in the same order, without tags."""
        text, spans = rewritten(example.text, words), moved(example.words, words)
        return self.unanswered(replace(example, text=text, words=spans))

    def plain(self, text: str) -> TaggedText:
        """Its words as `split_words` finds them, without tags."""
        words = split_words(text)
        return TaggedText(text, words, (UNKNOWN_TAG,) * len(words))

    def row(self, example: TaggedText) -> dict[str, Any]:
        """Text, words as character spans, tags, group."""
        return {"text": example.text, "words": example.words, "tags": example.tags, "group": example.group}

    def example(self, row: Mapping[str, Any]) -> TaggedText:
        """The inverse of `row`."""
        words = tuple((start, end) for start, end in row["words"])
        return TaggedText(row["text"], words, tuple(row["tags"]), row["group"])


def _certainty(scores_WC: Floats) -> list[float]:
    """The probability of the most likely tag of each word."""
    above_WC = np.exp(scores_WC - scores_WC.max(axis=-1, keepdims=True))
    return [round(float(share), 6) for share in 1 / above_WC.sum(axis=-1)]


def _some(names: Sequence[str], limit: int = 8) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
