"""What DeBERTa-v2 attends with: it computes its attention itself (arXiv 2006.03654, equations 2 to 4).

    scores = (queries . keys + queries . positions of keys + keys . positions of queries) / sqrt(D x terms)

The first product follows from queries and keys. The other two, already divided, are handed over as a bias.

B sequences, T tokens, H hidden width, A heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

Take = Callable[["Tensor", "Tensor", "Tensor", float, "Tensor | None"], None]
"""Given queries, keys, values, all (B, A, T, D), the factor of queries . keys, and the bias (B, A, T, T), if any."""


@contextmanager
def overheard(attention: Any, take: Take) -> Iterator[None]:
    """While it lasts, `take` is called once in each run of `attention`, a `DisentangledSelfAttention`.

    The bias is the one that the run adds, dropout of the positions included. It is taken where the module's own
    method returns it, so nothing is computed twice.
    """
    heard: dict[str, Tensor] = {}
    terms = len({"c2p", "p2c"} & set(attention.pos_att_type))
    scale = (attention.attention_head_size * (1 + terms)) ** -0.5
    biased = attention.relative_attention and terms > 0

    def hear(name: str, module: nn.Module, arguments: object, output_BTH: Tensor) -> None:
        if name in heard:
            return  # the same matrix, applied to the positions
        heard[name] = output_BTH.reshape(*output_BTH.shape[:2], attention.num_attention_heads, -1).transpose(1, 2)
        if name == "value_proj" and not biased:
            hand_over(None)

    def hand_over(bias_BATT: Tensor | None) -> None:
        take(heard.pop("query_proj"), heard.pop("key_proj"), heard.pop("value_proj"), scale, bias_BATT)

    with ExitStack() as undo:
        for name in ("query_proj", "key_proj", "value_proj"):
            undo.callback(getattr(attention, name).register_forward_hook(partial(hear, name)).remove)
        if biased:
            compute = attention.disentangled_attention_bias

            def computed(*arguments: Any) -> Tensor:
                bias: Tensor = compute(*arguments)
                hand_over(bias.reshape(-1, attention.num_attention_heads, *bias.shape[1:]))
                return bias

            attention.disentangled_attention_bias = computed
            undo.callback(delattr, attention, "disentangled_attention_bias")
        yield
