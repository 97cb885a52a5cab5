"""The models of an evaluation that are asked as they are, one at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from limbeck.artifacts import Artifact
from limbeck.models.sources import model_source
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from limbeck.evaluation.measures import Measure
    from limbeck.windows.window import Ints

T = TypeVar("T")


class Subject(NamedTuple):
    """One model that is asked."""

    name: str
    """What the recipe calls it."""
    source: str
    seed: int
    """Of its training."""


class Found(NamedTuple):
    """What one kind of question found out."""

    measures: dict[str, list["Measure"]]
    """Metric to that of every subject, in their order."""
    guessing: dict[str, "Measure"]
    """Metric to what guesses score; not of those that are better when lower."""


class Loaded(NamedTuple):
    """A subject in memory."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    longest: int
    """Tokens that it reads at most."""

    @property
    def pad(self) -> int:
        """The token that fills up short texts."""
        return int(self.tokenizer.pad_token_id or 0)


def subjects_of(models: Mapping[str, str | list[str]], inputs: Mapping[str, Artifact]) -> list[Subject]:
    """Every model; those of one name are told apart by their trainings' seeds, or else by their place."""
    found = []
    for name, refs in models.items():
        listed = [refs] if isinstance(refs, str) else refs
        seeds = [int(inputs[ref].manifest.config.get("seed") or 0) if ref in inputs else 0 for ref in listed]
        if len(set(seeds)) < len(seeds):
            seeds = list(range(len(seeds)))
        found += [Subject(name, model_source(ref, inputs), seed) for ref, seed in zip(listed, seeds, strict=True)]
    return found


def loaded(subject: Subject) -> Loaded:
    """The model on the device, with its tokenizer."""
    from limbeck.models.counting import shape_of
    from limbeck.models.loading import load_model, load_tokenizer
    from limbeck.training.precision import placed

    model = placed(load_model(subject.source))
    return Loaded(model, load_tokenizer(subject.source), shape_of(model.config).positions)


def in_batches(
    items: Sequence[T], lengths: Sequence[int], subject: Subject, unit: str, out: Workspace
) -> Iterator[tuple["Ints", list[T]]]:
    """Items of like length together, with their numbers; shows how far a model has come. No graph is made."""
    import numpy as np
    import torch

    from limbeck.windows.batching import alike

    with out.progress(f"{subject.name}, seed {subject.seed}", len(items), unit) as bar, torch.inference_mode():
        for indices in alike(np.array(lengths, dtype=np.int64)):
            yield indices, [items[index] for index in indices]
            bar.advance(len(indices))
