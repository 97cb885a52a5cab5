"""Copies of training examples with words replaced by what a masked LM proposes; a teacher says what they mean."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from limbeck.config import Config, ModelSource
from limbeck.errors import ModelError
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from limbeck.models.filling import Blank
    from limbeck.tasks.task import Task


class Augment(Config):
    """How many copies, and how far they are from what they are copies of. TinyBERT's codes make up to 30 of each."""

    copies: int = Field(default=3, ge=1, le=100)
    """Of each training example; one in which nothing changed, or that is there already, is left out."""
    replace: float = Field(default=0.4, gt=0, le=1)
    """Share of the words that are replaced, of those that are one token to the masked LM; others stay."""
    candidates: int = Field(default=15, ge=1, le=1000)
    """Likeliest words of which one is taken."""
    model: ModelSource | None = None
    """The masked LM; by default the teacher, or else the model itself, if it has its masked-LM head."""
    most: int = Field(default=20_000, ge=1)
    """Copies in all; beyond that only some of the examples are copied."""

    def sources(self, examples: int) -> int:
        """How many of so many examples are copied."""
        return min(examples, max(1, self.most // self.copies))

    def most_copies(self, examples: int) -> int:
        """How many copies there are at most of so many examples."""
        return min(self.most, self.sources(examples) * self.copies)

    def sentence(self, model: str) -> str:
        """What is made, in words."""
        made = f"up to {self.copies} copies of an example"
        return f"{made}, {self.replace:.0%} of the words replaced by what {model} proposes"


def masked_lm_of(spec: Augment, refs: Sequence[str], config_of: "Callable[[str], PreTrainedConfig]") -> str:
    """Which model proposes the words: the one named, or the first of `refs` that fills masks.

    Raises:
        ModelError: none of them does.
    """
    from limbeck.models.heads import fills_masks

    asked = [spec.model] if spec.model is not None else list(dict.fromkeys(refs))
    for ref in asked:
        if fills_masks(config_of(ref)):
            return ref
    lack = "has" if len(asked) == 1 else "have"
    raise ModelError(
        f"augment needs a masked LM to propose words, and {' and '.join(asked)} {lack} no masked-LM head;"
        " name a model that has it, as in augment: {model: bert-base-uncased}"
    )


def augmented_examples(
    spec: Augment,
    task: "Task[Any, Any]",
    examples: Sequence[Any],
    seed: int,
    precision: str,
    data: str,
    source: Callable[[], str],
    file: Path,
    out: Workspace,
) -> list[Any]:
    """Unanswered copies; they are kept in `file`, so that an interrupted step does not make them again.

    `source` finds the masked LM.
    """
    from limbeck.tasks.augmentation import asked, copies_of, drafts
    from limbeck.tasks.storage import read_examples, write_examples

    done = out.facts.get("augmented", [])
    if any(row["data"] == data for row in done):
        return [task.unanswered(example) for example in read_examples(task, file)]
    chosen = _chosen(examples, spec.sources(len(examples)), seed)
    drafted = drafts(task, chosen, spec.copies, spec.replace, seed)
    spots = [asked(of_example) for of_example in drafted]
    blanks = [
        _blank(task.texts(example), spot) for example, wanted in zip(chosen, spots, strict=True) for spot in wanted
    ]
    words = iter(_proposals(source(), blanks, spec.candidates, precision, out))
    proposed = [{spot: next(words) for spot in wanted} for wanted in spots]
    made = copies_of(task, chosen, drafted, proposed)
    copies = made.examples[: spec.most]
    write_examples(task, copies, file)
    counts = {"examples": len(chosen), "copies": len(copies), "words": made.replaced, "words_kept": made.kept}
    out.note("augmented", [*done, {"data": data, **counts, "copies_dropped": made.dropped}])
    out.say(
        f"{len(copies):,} copies of {len(chosen):,} examples, {made.replaced:,} words replaced"
        f"; {made.kept:,} stay that are several tokens, {made.dropped:,} copies are left out in which nothing changed"
    )
    return list(copies)


def _chosen(examples: Sequence[Any], count: int, seed: int) -> list[Any]:
    import numpy as np

    if count == len(examples):
        return list(examples)
    order = np.random.default_rng([seed, len(examples)]).permutation(len(examples))
    return [examples[int(place)] for place in sorted(order[:count])]


def _blank(texts: Sequence[str], spot: Any) -> "Blank":
    from limbeck.models.filling import Blank

    return Blank(texts[spot.part], spot.start, spot.end)


def _proposals(
    source: str, blanks: "Sequence[Blank]", most: int, precision: str, out: Workspace
) -> list[tuple[str, ...]]:
    from limbeck.models.answering import answering
    from limbeck.models.filling import proposals
    from limbeck.models.loading import load_model, load_tokenizer
    from limbeck.teachers import Online
    from limbeck.training.precision import autocast, on_device, placed, resolve

    dtype = resolve(precision)
    model = Online(*answering(placed(load_model(source, mlm=True)), dtype))
    with out.progress("proposing words", len(blanks), "words") as bar, autocast(dtype):
        return proposals(lambda batch, needs: model(on_device(batch), needs), load_tokenizer(source), blanks, most, bar)
