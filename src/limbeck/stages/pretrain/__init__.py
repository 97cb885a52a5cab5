"""The step `pretrain`: a model learns to fill masks on a corpus, and to judge pairs of texts if asked.

It goes on from its weights, as the control of a distillation does, or starts from scratch.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from limbeck.artifacts import Artifact
from limbeck.config import CorpusRef, Step
from limbeck.corpora.batching import batch_in_words, require_one_way
from limbeck.corpora.masking import Masking
from limbeck.models.shapes import ModelOrNew, NewModel
from limbeck.models.sources import identity
from limbeck.objectives import MLM, CombinedLoss, NextSentence, Objective, needs_of
from limbeck.outlines import Outline, Outlines
from limbeck.signals import Batch
from limbeck.stages.pretrain.checking import judged, tried
from limbeck.stages.pretrain.starting import loaded, model_before, with_heads
from limbeck.tasks.probe import Probe
from limbeck.training.config import Training
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.training.history import History

REVISION = 2
KIND = "model"


class PretrainStep(Step, Training):
    """Masked language modelling, continued or from scratch. A model without a head for it is given one."""

    do: Literal["pretrain"] = "pretrain"
    model: ModelOrNew
    corpus: CorpusRef
    length: int = Field(default=128, ge=16)
    """Longest sequence in tokens, special tokens included."""
    freeze_encoder: bool = False
    """Train the head alone: for a model without one, whose layers are to stay as they are."""
    freeze_layers: bool = False
    """Train embeddings and head alone: for a model that was carried over to other tokens, to keep what it knows."""
    fill: bool = False
    """Read as many texts at a time as fill `batch` x `length` tokens; otherwise `batch` texts, however short."""
    pack: bool = False
    """Put as many texts into a row as fill `length` tokens, `batch` rows at a time; each is read as if alone."""
    masking: Masking = Masking()
    next_sentence: bool = False
    """Also learn whether one text follows another, as BERT did; the corpus needs documents of several paragraphs."""
    probe: Probe | None = None
    """Try the finished model on a task, its encoder frozen, and stop if it is no better than one never trained."""

    @model_validator(mode="after")
    def _one_way_of_batching(self) -> Self:
        require_one_way(fill=self.fill, pack=self.pack, pairs=self.next_sentence)
        return self

    @model_validator(mode="after")
    def _layers_to_keep(self) -> "PretrainStep":
        kept = [name for name in ("freeze_encoder", "freeze_layers") if getattr(self, name)]
        if kept and isinstance(self.model, NewModel):
            raise ValueError(f"{kept[0]} keeps layers as they are, and a new model's have learnt nothing")
        if len(kept) > 1:
            raise ValueError(
                "freeze_encoder keeps the layers as they are, and the embeddings; leave one of the two out"
            )
        if self.freeze_encoder and self.probe:
            raise ValueError("freeze_encoder keeps the encoder as it is, and a probe tries nothing else; leave one out")
        return self

    @property
    def tokenizer(self) -> str:
        """Where the tokenizer comes from."""
        return self.model.tokenizer if isinstance(self.model, NewModel) else self.model

    def outside(self) -> Any:
        """Identity of a model that no step of the recipe makes, and of a probe's data."""
        if isinstance(self.model, NewModel):
            known = self.model.outside()
        else:
            known = None if self.model.startswith("@") else identity(self.model)
        return {"model": known, "probe": self.probe.data.outside()} if self.probe else known

    @property
    def passes(self) -> int:
        """How many passes of the model a token costs: forward, and backward for inputs and weights of its layers."""
        return 1 if self.freeze_encoder else 2 if self.freeze_layers else 3

    def objectives(self) -> list[Objective]:
        """The terms of the loss."""
        return [MLM(), NextSentence()] if self.next_sentence else [MLM()]


def outline(config: PretrainStep, inputs: Outlines) -> Outline:
    """Shapes and cost."""
    from limbeck.corpora.batches import HELD_OUT_SEQUENCES
    from limbeck.models.confining import require_confinable
    from limbeck.models.costs import text_work, training_outline
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.freezing import parts_frozen_in
    from limbeck.models.heads import fills_masks, judges_pairs
    from limbeck.models.looking import Looks
    from limbeck.tasks.frozen_probe import require_usable
    from limbeck.training.probing import looks_at

    if config.probe:
        require_usable(config.probe, config.seed or 0)
    before = model_before(config, inputs)
    model = with_heads(config, before)
    if config.pack:
        require_confinable(model)
    shape = shape_of(model)
    needs = needs_of(config.objectives(), shape, None)
    sequences, length = config.batch * config.accumulate, longest_sequence(config.length, model)
    full = config.fill or config.pack
    work = text_work(config.updates, config.epochs, sequences, length, inputs[config.corpus], full=full)
    new = [config.model.sentence(config.seed or 0)] if isinstance(config.model, NewModel) else []
    made = [] if new or fills_masks(before) else ["a masked-LM head is made from the embeddings"]
    made += ["a next-sentence head is made"] if config.next_sentence and not new and not judges_pairs(before) else []
    frozen = parts_frozen_in(model, needs[0], layers=config.freeze_layers, encoder=config.freeze_encoder)
    notes = (
        *new,
        "loss: " + " + ".join(objective.sentence(shape, None) for objective in config.objectives()),
        config.sentence(batch_in_words(config.batch, length, fill=config.fill, pack=config.pack)),
        config.masking.sentence(),
        *made,
        *([f"frozen: {', '.join(frozen)}"] if frozen else []),
        *([config.probe.sentence()] if config.probe else []),
    )
    share, passes = config.masking.mean_share, config.passes
    looks = Looks(looks_at(work.updates or 0), len(config.objectives()), HELD_OUT_SEQUENCES, readings=1)
    return training_outline(
        model, work, config.batch, needs=needs, labelled=share, passes=passes, looks=looks, notes=notes
    )


def preview(config: PretrainStep, made: Mapping[str, Artifact]) -> str:
    """A passage of the corpus with the masked words marked, from what is made so far."""
    from limbeck.corpora.sample import sample_so_far
    from limbeck.models.loading import known_tokenizer

    source, seed = config.tokenizer, config.seed or 0
    tokenizer = known_tokenizer(source, made)
    return sample_so_far(made, config.corpus, source, tokenizer, config.masking, length=config.length, seed=seed)


def rehearse(config: PretrainStep, inputs: Outlines) -> float:
    """Tokens per second of a few updates of this shape on this device."""
    from limbeck.models.counting import longest_sequence, shape_of
    from limbeck.models.loading import random_model
    from limbeck.training.rehearsal import tokens_per_second
    from limbeck.workspace import temporary_workspace

    model = random_model(with_heads(config, model_before(config, inputs)))
    shape = shape_of(model.config)

    def train(batches: Callable[[int], Sequence[Batch]], updates: int) -> "History":
        with temporary_workspace() as place:
            return _train(model, batches, config, updates, place)

    return tokens_per_second(
        train,
        vocabulary=shape.vocabulary,
        batch=config.batch,
        length=longest_sequence(config.length, model.config),
        classes=shape.vocabulary,
        labelled=config.masking.mean_share,
    )


def run(config: PretrainStep, inputs: Mapping[str, Artifact], out: Workspace) -> None:
    """Loads model and text, trains, saves the model with its head."""
    from limbeck.corpora.batches import text_batches
    from limbeck.evaluation.frozen_probe import UNTRAINED_SEEDS
    from limbeck.models.costs import training_flops
    from limbeck.models.counting import count, longest_sequence, shape_of
    from limbeck.models.loading import save_model
    from limbeck.models.reading import last_hidden, untrained_encoders
    from limbeck.training.precision import name_of

    model, tokenizer = loaded(config, inputs)
    shape = shape_of(model.config)
    batches, held_out = text_batches(
        inputs[config.corpus].folder,
        tokenizer,
        shape.vocabulary,
        config.masking,
        length=longest_sequence(config.length, model.config),
        batch=config.batch,
        accumulate=config.accumulate,
        updates=config.planned_updates,
        seed=config.seed or 0,
        out=out,
        pairs=config.next_sentence,
        fill=config.fill,
        pack=config.pack,
    )
    trying = tried(config, model, tokenizer, inputs, out)
    history = _train(model, batches, config, batches.updates, out, held_out)
    warnings = judged(config.model, model, batches, held_out, out) if isinstance(config.model, NewModel) else []
    if trying:
        warnings += trying.after(partial(last_hidden, model), untrained_encoders(model, UNTRAINED_SEEDS))
    save_model(model, tokenizer, out.folder / "model")
    history.write(out.folder / "curve.jsonl")
    history.write_probes(out.folder / "probes.jsonl")
    size, labelled = count(model), config.masking.mean_share
    needs = needs_of(config.objectives(), shape, None)
    flops = training_flops(
        model.config, history.tokens, batches.mean_length, needs=needs, labelled=labelled, passes=config.passes
    )
    out.facts.update(history.facts(), flops=flops, precision=name_of(config.precision), model_folder="model")
    out.facts["warnings"] += warnings
    out.facts.update(parameters=size.total, parameters_without_embeddings=size.without_embeddings)


def _train(
    model: "PreTrainedModel",
    batches: Callable[[int], Sequence[Batch]],
    config: PretrainStep,
    updates: int,
    out: Workspace,
    held_out: Sequence[Batch] = (),
) -> "History":
    from limbeck.evaluation.representations import sentence_rank
    from limbeck.models.counting import shape_of
    from limbeck.models.freezing import frozen
    from limbeck.models.observing import observe
    from limbeck.models.reading import sentence_vectors
    from limbeck.training.fit import fit

    def probe(held_out: Sequence[Batch]) -> dict[str, float]:
        return {"effective_rank": sentence_rank(sentence_vectors(model, held_out))}

    needs = needs_of(config.objectives(), shape_of(model.config), None)
    loss = CombinedLoss(config.objectives(), needs, partial(observe, model))
    with frozen(model, needs[0], layers=config.freeze_layers, encoder=config.freeze_encoder) as parts:
        out.facts["frozen"] = parts
        if parts:
            out.say(f"frozen: {', '.join(parts)}")
        return fit(
            model, loss, batches, config, updates, out, label="pretrain", seed=config.seed or 0, held_out=held_out,
            probe=probe,
        )  # fmt: skip
