"""One small model of every family, made in milliseconds: three layers of width 16, four heads, 40 words."""

import torch
from transformers import (
    AutoModel,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    PreTrainedModel,
    RobertaConfig,
    XLMRobertaConfig,
)

from limbeck.signals import Batch

SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 24,
    "pad_token_id": 0,
}
RELATIVE = {"relative_attention": True, "pos_att_type": "p2c|c2p", "position_buckets": 4}
CONFIGS = {
    "bert": lambda: BertConfig(**SIZES),
    "distilbert": lambda: DistilBertConfig(
        vocab_size=40, dim=16, n_layers=3, n_heads=4, hidden_dim=24, max_position_embeddings=24
    ),
    "roberta": lambda: RobertaConfig(**SIZES),
    "xlm-roberta": lambda: XLMRobertaConfig(**SIZES),
    "electra": lambda: ElectraConfig(**SIZES, embedding_size=8),
    "deberta-v2": lambda: DebertaV2Config(**SIZES, **RELATIVE, norm_rel_ebd="layer_norm", share_att_key=True),
    "deberta-v2-convolved": lambda: DebertaV2Config(**SIZES, **RELATIVE, conv_kernel_size=3, legacy=False),
    "modernbert": lambda: ModernBertConfig(
        **SIZES,
        layer_types=["full_attention", "sliding_attention", "full_attention"],
        local_attention=4,
        cls_token_id=1,
        sep_token_id=2,
        bos_token_id=1,
        eos_token_id=2,
    ),
}
FAMILIES = list(CONFIGS)


def inputs_of(model: PreTrainedModel, name: str, batch: Batch) -> torch.Tensor:
    """What the submodule of that name is given for the tokens of a batch, (tokens, width)."""
    seen: list[torch.Tensor] = []
    hook = model.get_submodule(name).register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    with torch.inference_mode():
        model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    hook.remove()
    return seen[0][batch.attention_mask.bool()].clone()


def tiny(family: str, kind: type = AutoModel, attention: str | None = None, seed: int = 0) -> PreTrainedModel:
    """A model of random weights, in evaluation mode; None attends as transformers would choose."""
    torch.manual_seed(seed)
    return kind.from_config(CONFIGS[family](), attn_implementation=attention).eval()
