"""One small model of every family, made in milliseconds."""

import torch
import transformers
from transformers import PreTrainedConfig, PreTrainedModel

from limbeck.signals import Batch

SIZES: dict[str, object] = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
}
_ROBERTA: dict[str, object] = {"pad_token_id": 1, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
_OWN: dict[str, dict[str, object]] = {
    "bert": {},
    "distilbert": {},
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "electra": {"embedding_size": 8},
    "albert": {"embedding_size": 8},
    "deberta-v2": {  # as DeBERTa-v3 is
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 4,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
    },
    "modernbert": {
        "local_attention": 4,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "cls_token_id": 2,
        "sep_token_id": 3,
    },
}
FAMILIES = tuple(_OWN)

SMALLER: dict[str, object] = {
    "vocab_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 24,
    "pad_token_id": 0,
}
_VARIANTS: dict[str, tuple[str, dict[str, object]]] = {
    "deberta-v2-convolved": (
        "deberta-v2",
        {"conv_kernel_size": 3, "legacy": False, "share_att_key": False, "norm_rel_ebd": "none"},
    ),
    "modernbert": ("modernbert", {"layer_types": ["full_attention", "sliding_attention", "full_attention"]}),
}
VARIANTS = (*FAMILIES, "deberta-v2-convolved")
"""Every family, and the kind of DeBERTa that has a convolution."""


def config_of(family: str, **changes: object) -> PreTrainedConfig:
    """Four layers of width 16, two heads, 60 words, 40 positions, and what the family has of its own."""
    fields = {**SIZES, **_OWN[family], **changes}
    if family == "distilbert":
        fields["hidden_dim"] = fields.pop("intermediate_size")
    return transformers.AutoConfig.for_model(family, **fields)


def model_of(family: str, head: str = "", **changes: object) -> PreTrainedModel:
    """The same model of random weights every time, in evaluation mode; biases of zero would hide mistakes."""
    torch.manual_seed(0)
    model = getattr(transformers, f"AutoModel{head}").from_config(config_of(family, **changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def tiny(
    variant: str, kind: type = transformers.AutoModel, attention: str | None = None, seed: int = 0
) -> PreTrainedModel:
    """As transformers starts it: three layers of four heads, 40 words; None attends as transformers would choose."""
    torch.manual_seed(seed)
    family, own = _VARIANTS.get(variant, (variant, {}))
    return kind.from_config(config_of(family, **SMALLER, **own), attn_implementation=attention).eval()


def inputs_of(model: PreTrainedModel, name: str, batch: Batch) -> torch.Tensor:
    """What the submodule of that name is given for the tokens of a batch, (tokens, width), at all its applications.

    Only the first is taken of matrices that DeBERTa-v2 applies to relative positions, too.
    """
    seen: list[torch.Tensor] = []
    hook = model.get_submodule(name).register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    with torch.inference_mode():
        model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    hook.remove()
    tokens = [given for given in seen if given.shape[:-1] == batch.attention_mask.shape]
    return torch.cat([given[batch.attention_mask.bool()] for given in tokens]).clone()
