"""Makes the smaller model that a `Reduction` describes, or only its configuration."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from limbeck.artifacts import Artifact
from limbeck.errors import ModelError
from limbeck.models.distilbert import as_distilbert, distilbert_config
from limbeck.models.families import depth_of, set_layers
from limbeck.models.heads import judges_pairs
from limbeck.models.loading import load_model, load_tokenizer, model_config
from limbeck.models.reduction import Reduction
from limbeck.models.sources import model_source
from limbeck.models.surgery import keep_layers
from limbeck.outlines import Outlines

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


def reduce_model(model: PreTrainedModel, reduction: Reduction) -> PreTrainedModel:
    """A smaller copy; `model` stays as it is."""
    smaller = keep_layers(model, reduction.kept(depth_of(model.config)))
    return as_distilbert(smaller) if reduction.as_ == "distilbert" else smaller


def reduce_config(config: PreTrainedConfig, reduction: Reduction) -> PreTrainedConfig:
    """The configuration of the smaller model; no weights are read."""
    after = copy.deepcopy(config)
    set_layers(after, reduction.kept(depth_of(config)))
    return distilbert_config(after) if reduction.as_ == "distilbert" else after


def left_out(config: PreTrainedConfig, reduction: Reduction) -> list[str]:
    """Sentences on the heads of the model that the smaller one has no place for."""
    if reduction.as_ == "distilbert" and judges_pairs(config):
        return ["the next-sentence head is left out: a DistilBERT has no pooler, which that head reads"]
    return []


def student_config(student: str | Reduction, teacher: PreTrainedConfig, outlines: Outlines) -> PreTrainedConfig:
    """The configuration of a student: of the model it names, or of what is cut out of the teacher."""
    return reduce_config(teacher, student) if isinstance(student, Reduction) else model_config(student, outlines)


def make_student(
    student: str | Reduction, teacher: PreTrainedModel | None, teacher_source: str, inputs: Mapping[str, Artifact]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A student and its tokenizer; one that is cut out of the teacher shares nothing with it afterwards.

    `teacher` is needed only for a student that is cut out of it.
    """
    if isinstance(student, Reduction):
        assert teacher is not None
        return reduce_model(teacher, student), load_tokenizer(teacher_source)
    source = model_source(student, inputs)
    return load_model(source), load_tokenizer(source)


def require_one_tokenizer(names: Sequence[str], sources: Sequence[str]) -> None:
    """Refuses teachers, of these names and sources, that do not share the first one's tokenizer.

    Raises:
        ModelError: names two of them and a token.
    """
    advice = "let the members of an ensemble share one tokenizer"
    for name, source in zip(names[1:], sources[1:], strict=True):
        require_same_tokens(load_tokenizer(sources[0]), load_tokenizer(source), f"{names[0]} and {name}", advice)


def require_same_tokens(
    tokenizer: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase, whose: str, advice: str
) -> None:
    """Refuses two tokenizers, those of `whose` models, in which a token stands for another.

    Raises:
        ModelError: names the token.
    """
    ours, known = tokenizer.get_vocab(), other.get_vocab()
    if ours == known:
        return
    token = min(token for token in {**ours, **known} if ours.get(token) != known.get(token))
    raise ModelError(
        f'{whose} have different tokens: "{token}" is number {ours.get(token)} in the one and'
        f" {known.get(token)} in the other; {advice}"
    )
