"""The step `pretrain`: a model goes on learning to fill masks on a corpus. The control of a distillation is one."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from pydantic import Field

from limbeck.artifacts import Artifact
from limbeck.config import CorpusRef, ModelSource, Step
from limbeck.corpora.masking import Masking
from limbeck.models.sources import identity, model_source
from limbeck.objectives import MLM, CombinedLoss, needs_of
from limbeck.outlines import Outline, Outlines
from limbeck.training.config import Training
from limbeck.workspace import Workspace

REVISION = 1
KIND = "model"


class PretrainStep(Step, Training):
    """Continued masked language modelling. A model without a head for it is given one."""

    do: Literal["pretrain"] = "pretrain"
    model: ModelSource
    corpus: CorpusRef
    length: int = Field(default=128, ge=16)
    """Longest sequence in tokens, special tokens included."""
    masking: Masking = Masking()

    def outside(self) -> Any:
        """Identity of a model that no step of the recipe makes."""
        return None if self.model.startswith("@") else identity(self.model)


def outline(config: PretrainStep, inputs: Outlines) -> Outline:
    """Shapes and cost."""
    from limbeck.models.costs import Work, training_outline
    from limbeck.models.heads import masked_lm_config
    from limbeck.models.loading import model_config

    model = masked_lm_config(model_config(config.model, inputs))
    sequences = config.batch * config.accumulate
    work = Work(config.updates, config.epochs, sequences, config.length, inputs[config.corpus].tokens)
    return training_outline(model, work, config.batch, logits_share=config.masking.probability)


def run(config: PretrainStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Loads model and text, trains, saves the model with its head."""
    from limbeck.corpora.batches import text_batches
    from limbeck.models.counting import count, shape_of
    from limbeck.models.freezing import freeze_unread
    from limbeck.models.heads import with_mlm_head
    from limbeck.models.loading import load_model, load_tokenizer, save_model
    from limbeck.models.observing import observe
    from limbeck.training.fit import fit

    source = model_source(config.model, inputs)
    model, tokenizer = with_mlm_head(load_model(source)), load_tokenizer(source)
    shape = shape_of(model.config)
    batches, held_out = text_batches(
        inputs[config.corpus].folder,
        tokenizer,
        shape.vocabulary,
        config.masking,
        length=min(config.length, shape.positions),
        batch=config.batch,
        accumulate=config.accumulate,
        seed=config.seed or 0,
        out=out,
    )
    objectives = [MLM()]
    needs = needs_of(objectives, shape, None)
    frozen = freeze_unread(model, needs[0])
    loss = CombinedLoss(objectives, needs, partial(observe, model))
    updates = config.planned_updates(batches.order.batches_per_epoch)
    history = fit(
        model, loss, batches, config, updates, out, label="pretrain", seed=config.seed or 0, held_out=held_out
    )
    save_model(model, tokenizer, out.folder / "model")
    history.write(out.folder / "curve.jsonl")
    size = count(model)
    out.facts.update(history.facts(), model_folder="model", frozen=frozen)
    out.facts.update(parameters=size.total, parameters_without_embeddings=size.without_embeddings)
