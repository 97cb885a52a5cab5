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
    from limbeck.evaluation.kinds_of_text import Floats
    from limbeck.models.reading import MaskedLosses
    from limbeck.stages.pretrain import PretrainStep

_SEQUENCES = 4000
"""Of the training text, spread over all of it, that tell which kinds of text there are."""


def tried(
    config: "PretrainStep",
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> "Trying | None":
    """The probe of this training, if there is one; a model that goes on is tried at once."""
    from limbeck.corpora.documents import read_all
    from limbeck.evaluation.frozen_probe import Trying
    from limbeck.models.counting import shape_of
    from limbeck.models.reading import last_hidden
    from limbeck.tasks.data import load
    from limbeck.tasks.frozen_probe import FrozenProbe
    from limbeck.training.precision import placed

    if config.probe is None:
        return None
    splits = load(config.probe.data, config.seed or 0, lambda ref: read_all(inputs[ref].folder))
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
        return _beyond_kinds(batches, held_out, found, out)
    if new.must_learn:
        raise TrainingError(
            f"this model learned nothing: {learned.sentence()}; see whether text and tokenizer belong together, and"
            " train longer or at another learning rate, or set must_learn: false in `model` to keep it. What was made"
            " before is kept"
        )
    out.say(f"warning: this model learned nothing: {learned.sentence()}")
    return [f"this model learned nothing: {learned.sentence()}"]


def _beyond_kinds(
    batches: "TextBatches", held_out: Sequence[Batch], found: "MaskedLosses", out: Workspace
) -> list[str]:
    """A warning where all that was learned is of which kind a text is, and how frequent tokens are in that kind."""
    from limbeck.evaluation.learned import against

    of_kind_N = _of_kind(batches, held_out, found)
    if of_kind_N is None:
        return []
    beyond = against(found.losses, of_kind_N, found.sequences)
    out.facts["learned_beyond_kinds"] = beyond.facts()
    if beyond.enough:
        return []
    warning = (
        "beyond which kind of text it is (a language, say) and how frequent tokens are in that kind, this model learned"
        f" nothing yet: its loss is {beyond.loss:.3f}, and that of such guesses {beyond.unigram_loss:.3f} (difference"
        f" {beyond.gain:.3f} ± {beyond.error:.3f}); train longer, or start from a model that has learned"
    )
    out.say(f"warning: {warning}")
    return [warning]


def _of_kind(batches: "TextBatches", held_out: Sequence[Batch], found: "MaskedLosses") -> "Floats | None":
    """Losses of guesses by frequency in text of the same kind, at the masks that the model was asked about.

    None where the text is read in pairs.
    """
    import numpy as np

    from limbeck.corpora.sequences import Sequences
    from limbeck.evaluation.kinds_of_text import fit_kinds

    known, text = batches.text.vocabulary, batches.text.sequences
    if not isinstance(text, Sequences):
        return None
    chosen = np.linspace(0, len(text) - 1, min(len(text), _SEQUENCES)).astype(np.int64)
    tokens = [np.asarray(text[int(index)]) for index in chosen]
    owners_M = np.repeat(np.arange(len(tokens)), [len(each) for each in tokens])
    tokens_M = np.concatenate(tokens).astype(np.int64)
    ordinary_M = known.ordinary[tokens_M]
    kinds = fit_kinds(tokens_M[ordinary_M], owners_M[ordinary_M], len(known.ordinary))
    ids = [
        row[mask.bool()].cpu().numpy()
        for b in held_out
        for row, mask in zip(b.input_ids, b.attention_mask, strict=True)
    ]
    seen_M, of_M = np.concatenate(ids), np.repeat(np.arange(len(ids)), [len(each) for each in ids])
    visible_M = known.ordinary[seen_M]
    preference_V = np.where(known.ordinary, 1.0 if known.weights is None else known.weights, 0.0)
    return kinds.losses(seen_M[visible_M], of_M[visible_M], found.labels, found.sequences, preference_V)
