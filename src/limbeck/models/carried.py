"""Which of BERT's pretraining heads a file of weights carries, whatever the config.json beside it says.

Published BERTs often name one head and carry both: that of google-bert/bert-base-multilingual-cased is BertForMaskedLM,
and its weights hold a pooler and a next-sentence head too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.models.families import family_of

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_ENDINGS = {
    (True, True): "ForPreTraining",
    (True, False): "ForMaskedLM",
    (False, True): "ForNextSentencePrediction",
    (False, False): "Model",
}
"""Whether the masked-LM head and the next-sentence head are there, to the class that has just these."""


def with_carried_heads(config: PreTrainedConfig, weights: Path) -> PreTrainedConfig:
    """The configuration, naming the class that has the heads in the file; other heads are left to what it names.

    An ALBERT of both heads of its pretraining, of which one orders sentences, is read as one that fills masks.
    A file that is not there, or cannot be read, changes nothing: loading it says what is wrong.
    """
    family, name = family_of(config), (config.architectures or [""])[0]
    if family.pretraining_fills_masks and name.endswith("ForPreTraining"):
        config.architectures = [name.removesuffix("ForPreTraining") + "ForMaskedLM"]
    named = next((ending for ending in _ENDINGS.values() if ending != "Model" and name.endswith(ending)), None)
    if family.pair_head is None or named is None or not weights.is_file():
        return config
    held = _names(weights)
    if held:
        fills = f"{family.mlm_dense}.weight" in held
        judges = f"{family.pair_head}.weight" in held and any("pooler." in name for name in held)
        config.architectures = [name.removesuffix(named) + _ENDINGS[fills, judges]]
    return config


def _names(weights: Path) -> set[str]:
    """Names of the tensors, from the file's header; none if it has no sound one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, "numpy") as file:
            return set(file.keys())
    except (SafetensorError, OSError):
        return set()
