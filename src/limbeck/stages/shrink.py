"""Surgery without training: fewer layers, or a BERT made a DistilBERT."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from limbeck.artifacts import Artifact
from limbeck.config import ModelSource, Step
from limbeck.models.reduction import Reduction
from limbeck.models.sources import identity, model_source
from limbeck.outlines import Outline, Outlines
from limbeck.workspace import Workspace

REVISION = 1
KIND = "model"


class ShrinkStep(Step, Reduction):
    """A smaller model out of a trained one."""

    do: Literal["shrink"] = "shrink"
    model: ModelSource

    @model_validator(mode="after")
    def _has_work(self) -> "ShrinkStep":
        if self.layers is None and self.as_ is None:
            raise ValueError('there is nothing to shrink; give "layers", for example {keep: half}, or "as: distilbert"')
        return self

    def outside(self) -> Any:
        """Identity of the model, unless an earlier step made it."""
        return None if self.model.startswith("@") else identity(self.model)


def outline(config: ShrinkStep, inputs: Outlines) -> Outline:
    """Shape and size of the smaller model; no weights are read."""
    from limbeck.models.counting import count
    from limbeck.models.families import depth_of
    from limbeck.models.loading import model_config
    from limbeck.models.reducing import reduce_config

    before = model_config(config.model, inputs)
    after = reduce_config(before, config)
    parameters = count(after)
    return Outline(
        makes=KIND,
        model=after.to_dict(),
        parameters=parameters.total,
        parameters_without_embeddings=parameters.without_embeddings,
        disk_bytes=parameters.bytes,
        memory_bytes=count(before).bytes + parameters.bytes,
        notes=(config.sentence(depth_of(before)),),
    )


def run(config: ShrinkStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Loads, cuts, saves; the tokenizer is copied along."""
    from limbeck.models.counting import count
    from limbeck.models.families import depth_of
    from limbeck.models.loading import load_model, load_tokenizer, save_model
    from limbeck.models.reducing import reduce_model

    source = model_source(config.model, inputs)
    model = load_model(source)
    depth, before = depth_of(model.config), count(model)
    model = reduce_model(model, config)
    after = count(model)
    save_model(model, load_tokenizer(source), out.folder / "model")
    out.facts |= {
        "model_folder": "model",
        "layers": config.kept(depth),
        "parameters": after.total,
        "parameters_without_embeddings": after.without_embeddings,
        "parameters_before": before.total,
        "parameters_without_embeddings_before": before.without_embeddings,
    }
    out.say(config.sentence(depth))
    out.say(f"{before.total:,} parameters became {after.total:,}")
