"""What is cut out of a model to make a smaller one."""

from typing import Literal

from pydantic import ConfigDict, Field

from limbeck.config import Config
from limbeck.models.layers import LayerChoice


class Reduction(Config):
    """Surgery without training; the result loads with plain transformers."""

    model_config = ConfigDict(serialize_by_alias=True)

    layers: LayerChoice | None = None
    """Which layers are kept, for example `{keep: 6, from: bottom}`; all of them if absent."""
    as_: Literal["distilbert"] | None = Field(default=None, alias="as")
    """`distilbert` turns a BERT into a DistilBERT: token types folded into the positions, no pooler."""

    def kept(self, depth: int) -> list[int]:
        """Layers kept of a model that has `depth`, numbered from 1."""
        return self.layers.chosen(depth) if self.layers else list(range(1, depth + 1))

    def sentence(self, depth: int) -> str:
        """What happens, in words."""
        kept = self.kept(depth)
        few = (
            f"keeps layers {', '.join(map(str, kept))} of {depth}" if len(kept) < depth else f"keeps all {depth} layers"
        )
        return few + (", as a DistilBERT" if self.as_ == "distilbert" else "")
