"""By what tagged test examples are told apart: length, type of the entities, and whether training had these."""

from collections.abc import Collection, Sequence

from limbeck.decoding.entities import entities
from limbeck.tasks.slicing import thirds
from limbeck.tasks.token_classification.tagged_text import TaggedText


def slices(examples: Sequence[TaggedText], seen: Collection[str]) -> dict[str, list[str]]:
    """The part that each example belongs to; those without an entity have no type, and none that was seen.

    `seen` are the entities of the training examples as `written`.
    """
    return {
        "words": thirds([len(example.words) for example in examples]),
        "entity type": [_type(example) for example in examples],
        "entities seen in training": [_seen(example, seen) for example in examples],
    }


def written(example: TaggedText) -> list[tuple[str, str]]:
    """Every entity as it stands in the text, in lower case, and its type."""
    return [
        (example.text[example.words[first][0] : example.words[after - 1][1]].lower(), kind)
        for first, after, kind in entities(example.tags)
    ]


def _type(example: TaggedText) -> str:
    types = {kind for _, kind in written(example)}
    return "several" if len(types) > 1 else next(iter(types), "")


def _seen(example: TaggedText, seen: Collection[str]) -> str:
    names = [name for name, _ in written(example)]
    if not names:
        return ""
    return "all" if all(name in seen for name in names) else "not all"
