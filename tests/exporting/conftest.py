"""Tiny models of random weights, one of every family, and a tokenizer of letters."""

from collections.abc import Callable

import pytest
import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

_COMMON = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
_BERT = {**_COMMON, "intermediate_size": 24, "max_position_embeddings": 48, "pad_token_id": 0, "num_labels": 4}
CONFIGS: dict[str, dict[str, object]] = {
    "bert": _BERT,
    "distilbert": {
        "vocab_size": 40,
        "dim": 16,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_dim": 24,
        "max_position_embeddings": 48,
        "num_labels": 4,
    },
    "roberta": {**_BERT, "type_vocab_size": 1},
    "xlm-roberta": {**_BERT, "type_vocab_size": 1},
    "electra": {**_BERT, "embedding_size": 8},
    "deberta-v2": {
        **_BERT,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 16,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
    },
    "modernbert": {
        **_BERT,
        "local_attention": 8,
        "global_attn_every_n_layers": 2,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "cls_token_id": 2,
        "sep_token_id": 3,
    },
}


@pytest.fixture
def make() -> Callable[..., PreTrainedModel]:
    """Makes a model: `make("bert", "ForMaskedLM")`."""

    def build(family: str, head: str = "") -> PreTrainedModel:
        torch.manual_seed(0)
        config = transformers.AutoConfig.for_model(family, **CONFIGS[family])
        model = getattr(transformers, f"AutoModel{head}").from_config(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.2)  # labels that are no ties
        return model

    return build


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    """One token per letter; it makes token types, as that of a BERT does."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz"]
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
