"""Tiny models of random weights, one of every family."""

from collections.abc import Callable

import pytest
import torch
import transformers
from transformers import PreTrainedConfig, PreTrainedModel

FAMILIES = ("bert", "distilbert", "roberta", "xlm-roberta", "electra", "deberta-v2", "modernbert")

_COMMON = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2}
_BERT = {**_COMMON, "intermediate_size": 24, "max_position_embeddings": 40}
_CONFIGS: dict[str, dict[str, object]] = {
    "bert": {**_BERT},
    "distilbert": {
        "vocab_size": 60,
        "dim": 16,
        "n_layers": 4,
        "n_heads": 2,
        "hidden_dim": 24,
        "max_position_embeddings": 40,
    },
    "roberta": {**_BERT, "pad_token_id": 1, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
    "xlm-roberta": {**_BERT, "pad_token_id": 1, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
    "electra": {**_BERT, "embedding_size": 8},
    "deberta-v2": {  # as DeBERTa-v3 is
        **_BERT,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 4,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
    },
    "modernbert": {
        **_COMMON,
        "intermediate_size": 24,
        "max_position_embeddings": 40,
        "local_attention": 4,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "cls_token_id": 2,
        "sep_token_id": 3,
    },
}

Make = Callable[..., PreTrainedModel]


def _config_of(family: str, **changes: object) -> PreTrainedConfig:
    """Four layers of width 16, two heads, 60 words, 40 positions."""
    return transformers.AutoConfig.for_model(family, **{**_CONFIGS[family], **changes})


@pytest.fixture
def config_of() -> Callable[..., PreTrainedConfig]:
    """Makes a configuration: four layers of width 16, two heads, 60 words, 40 positions."""
    return _config_of


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Each family in turn."""
    return str(request.param)


@pytest.fixture
def make() -> Make:
    """Makes a model: `make("bert", "ForMaskedLM", num_hidden_layers=2)`."""

    def build(family: str, head: str = "", **changes: object) -> PreTrainedModel:
        torch.manual_seed(0)
        auto = getattr(transformers, f"AutoModel{head}")
        model = auto.from_config(_config_of(family, **changes)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.2)  # biases of zero hide mistakes
        return model

    return build


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Two sentences, the second padded."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 60, (2, 11), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    return {"input_ids": ids, "attention_mask": mask}
