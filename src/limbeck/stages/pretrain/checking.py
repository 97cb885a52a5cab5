"""Whether a pretraining taught the model anything: beside guesses by frequency, and for a task while frozen."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from limbeck.artifacts import Artifact
from limbeck.errors import TrainingError
from limbeck.models.shapes import NewModel
from limbeck.signals import Batch
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from limbeck.corpora.batches import TextBatches
    from limbeck.evaluation.frozen_probe import Trying
    from limbeck.stages.pretrain import PretrainStep


def tried(
    config: "PretrainStep",
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> "Trying | None":
    """The probe of this training, if there is one; a model that goes on is tried at once."""
    from limbeck.corpora.documents import SPLITS, read
    from limbeck.evaluation.frozen_probe import Trying
    from limbeck.models.counting import shape_of
    from limbeck.models.reading import last_hidden
    from limbeck.tasks.frozen_probe import FrozenProbe, splits_of
    from limbeck.training.precision import placed

    if config.probe is None:
        return None
    seed = config.seed or 0
    splits = splits_of(config.probe, seed, lambda ref: (d for s in SPLITS for d in read(inputs[ref].folder, s)))
    probe = FrozenProbe.of(config.probe, splits, tokenizer, shape_of(model.config).positions)
    trying = Trying(probe, out, must_learn=config.probe.must_learn)
    if not isinstance(config.model, NewModel):
        trying.before(partial(last_hidden, placed(model)))
    return trying


def judged(
    new: NewModel, model: "PreTrainedModel", batches: "TextBatches", held_out: Sequence[Batch], out: Workspace
) -> list[str]:
    """Whether a new model is better than guesses by how frequent each token is; a warning where it is not.

    Raises:
        TrainingError: it is not, and `must_learn` says that it has to be.
    """
    import torch

    from limbeck.evaluation.learned import against_unigram
    from limbeck.models.reading import losses_at_masks
    from limbeck.training.precision import on_device

    known = batches.text.vocabulary
    with torch.inference_mode():
        found = losses_at_masks(model, [on_device(batch) for batch in held_out], known.mask)
    if not len(found.losses):
        out.say("no masked token of held-out text is there to show whether this model learned anything")
        return []
    learned = against_unigram(found.losses, found.labels, found.sequences, batches.token_weights(len(known.ordinary)))
    out.facts["learned"] = learned.facts()
    if learned.enough:
        out.say(f"this model learned: {learned.sentence()}")
        return []
    if new.must_learn:
        raise TrainingError(
            f"this model learned nothing: {learned.sentence()}; see whether text and tokenizer belong together, and"
            " train longer or at another learning rate, or set must_learn: false in `model` to keep it. What was made"
            " before is kept"
        )
    out.say(f"warning: this model learned nothing: {learned.sentence()}")
    return [f"this model learned nothing: {learned.sentence()}"]
