"""The heads that answer a task: their configurations, and their logits in one form.

B sequences, T tokens, C classes.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from limbeck.signals import Head

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

    from limbeck.signals import Batch

_ENDINGS: dict[Head, str] = {
    "tags": "ForTokenClassification",
    "span": "ForQuestionAnswering",
    "class": "ForSequenceClassification",
    "value": "ForSequenceClassification",
}
_MAPPINGS = {
    "ForTokenClassification": "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING",
    "ForQuestionAnswering": "MODEL_FOR_QUESTION_ANSWERING_MAPPING",
    "ForSequenceClassification": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING",
}
IMPOSSIBLE = -1e4
"""Logit of a place where no answer can begin or end: finite, so that two distributions can be compared there."""


def head_of(config: PreTrainedConfig) -> Head | None:
    """Which of these heads the weights of this configuration carry."""
    architecture = (config.architectures or [""])[0]
    found = next((head for head, ending in _ENDINGS.items() if architecture.endswith(ending)), None)
    if found == "class" and _says_numbers(config):
        return "value"
    return found


def task_config(config: PreTrainedConfig, head: Head, labels: Sequence[str] = ()) -> PreTrainedConfig:
    """The configuration of a model with this head around the same encoder.

    Of tags and classes, `labels` are their names; without them their number stays what it was.
    """
    import transformers

    result = copy.deepcopy(config)
    mapping = getattr(transformers, _MAPPINGS[_ENDINGS[head]])
    result.architectures = [cast("type[PreTrainedModel]", mapping[type(config)]).__name__]
    describe(result, head, labels)
    return result


def describe(config: PreTrainedConfig, head: Head, labels: Sequence[str]) -> None:
    """Writes into a configuration what its head says; its architecture stays as it is."""
    named = {"span": ["start", "end"], "value": ["value"]}.get(head, labels)
    if named:
        config.id2label = dict(enumerate(named))
        config.label2id = {label: number for number, label in enumerate(named)}
    if head in ("class", "value"):
        config.problem_type = "regression" if head == "value" else "single_label_classification"


def labels_of(config: PreTrainedConfig) -> list[str]:
    """The names of a head's classes, in their order."""
    return [str(name) for _, name in sorted((config.id2label or {}).items())]


def ending_of(head: Head) -> str:
    """How the names of transformers' classes with this head end."""
    return _ENDINGS[head]


def reads_pooler(model: PreTrainedModel) -> bool:
    """Whether a head that judges whole texts reads them through the encoder's pooler, where it has one."""
    return type(model).__name__.endswith(_ENDINGS["class"])


def task_logits(found: object, batch: Batch) -> Tensor | None:
    """The logits in a model's output: of every token (B, T, C), of every text (B, C), or of places (2B, T).

    Those of an answer's first place stand before those of its last, each a distribution over the tokens that
    `batch.choices` allows. None if the output has none.
    """
    import torch

    first, last = getattr(found, "start_logits", None), getattr(found, "end_logits", None)
    if first is None or last is None:
        return cast("Tensor | None", getattr(found, "logits", None))
    allowed_BT = batch.attention_mask if batch.choices is None else batch.choices
    places = torch.cat([first, last]).float()
    return places.masked_fill(allowed_BT.repeat(2, 1) == 0, IMPOSSIBLE)


def _says_numbers(config: PreTrainedConfig) -> bool:
    return config.problem_type == "regression" or len(config.id2label or {}) == 1
