"""A student with a tokenizer of its own: the two models are compared by the words that both tokenizers find."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from limbeck.artifacts import Artifact
from limbeck.corpora.masking import Masking
from limbeck.errors import RecipeError
from limbeck.models.reduction import Reduction
from limbeck.signals import Batch, Shape
from limbeck.teachers import CachedTeacher

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from limbeck.stages.distil import DistilStep

Batches = Callable[[int], Sequence[Batch]]


def tokenizers_of(
    config: "DistilStep", made: Mapping[str, Artifact], *, known: bool = True
) -> tuple["PreTrainedTokenizerBase | None", "PreTrainedTokenizerBase | None"]:
    """The student's and the teacher's, the same object where they have one.

    As far as they are `known`, None is for one that is not there yet; otherwise all are read.
    """
    from limbeck.models.loading import known_tokenizer, load_tokenizer, model_source

    def read(ref: str) -> "PreTrainedTokenizerBase | None":
        return known_tokenizer(ref, made) if known else load_tokenizer(model_source(ref, made))

    theirs = read(config.teacher.models[0])
    if isinstance(config.student, Reduction):
        return theirs, theirs
    ours = read(config.student)
    alike = ours is not None and theirs is not None and ours.get_vocab() == theirs.get_vocab()
    return ours, ours if alike else theirs


def apart(
    config: "DistilStep", made: Mapping[str, Artifact], student: Shape, teacher: Shape, *, known: bool = True
) -> str | None:
    """That the student's tokenizer is not the teacher's, as a part of a sentence; None if it is.

    As long as only some are `known`, vocabularies of different sizes are taken for different ones.
    """
    if isinstance(config.student, Reduction):
        return None
    ours, theirs = tokenizers_of(config, made, known=known)
    sizes = student.vocabulary, teacher.vocabulary
    if ours is not None and theirs is not None:
        sizes = len(ours), len(theirs)
        if ours is theirs:
            return None
    elif sizes[0] == sizes[1]:
        return None
    name = config.teacher.models[0]
    return f"the tokenizer of {config.student} ({sizes[0]:,} tokens) is not that of {name} ({sizes[1]:,})"


def refuse_unaligned(config: "DistilStep", apart: str) -> None:
    """Refuses what needs one tokenizer, whatever the objectives compare.

    Raises:
        RecipeError: a cached teacher, text that is read in pairs, or several texts in a row.
    """
    if isinstance(config.teacher, CachedTeacher):
        raise RecipeError(
            f"{config.teacher.source} holds answers on the tokens of its teacher, and {apart}; set teacher.kind: online"
            " to compare them by words, or give both one tokenizer"
        )
    if any(objective.kind == "next_sentence" for objective in config.objectives):
        raise RecipeError(
            f"next_sentence reads pairs of texts, and {apart}; words are aligned in single texts only, so leave"
            " next_sentence out, or give both one tokenizer"
        )
    if config.pack:
        raise RecipeError(
            f"`pack` puts several texts into one row, and {apart}; words are aligned in single texts only, so set"
            " `fill: true` instead"
        )


def notes_on(masking: Masking, apart: str | None) -> tuple[str, ...]:
    """What is hidden, and how the models are compared."""
    if apart is None:
        return (masking.sentence(),)
    return (
        f"aligned by words: {apart}, so hidden states are compared as means over each word that both find",
        f"{masking.of_words.sentence()}; the same words from both models",
    )


def doubled(batches: Batches, vocabulary: int) -> Batches:
    """Batches for a rehearsal, every token a word, with what a teacher of so many tokens would read."""

    def made(update: int) -> list[Batch]:
        return [_doubled(batch, vocabulary) for batch in batches(update)]

    return made


def _doubled(batch: Batch, vocabulary: int) -> Batch:
    import torch

    words_BT = torch.arange(batch.input_ids.shape[1]).expand(len(batch.input_ids), -1)
    teacher = Batch(batch.input_ids % vocabulary, batch.attention_mask, words=words_BT)
    return replace(batch, words=words_BT, teacher=teacher)
