"""Examples without labels, of which a student learns what its teacher says."""

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from limbeck.artifacts import Artifact
from limbeck.config import Config, CorpusRef
from limbeck.errors import DataError
from limbeck.stages.finetune.reading import read_data
from limbeck.tasks.data import AnyData
from limbeck.tasks.sources import Cut
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.tasks.splits import Splits
    from limbeck.tasks.task import Task

_WORDS = 3
"""A paragraph of fewer says nothing that could be judged."""


class Unlabelled(Config):
    """Where they come from; only the teacher is heard about them."""

    data: AnyData | None = None
    """Training examples of the same task, whose labels are ignored. Either this or `corpus`."""
    corpus: CorpusRef | None = None
    """Paragraphs of a corpus, where single texts are judged or tagged. Either this or `data`."""
    most: int = Field(default=10_000, ge=1)
    """So many at most; which ones, the seed decides."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.data is None) == (self.corpus is None):
            raise ValueError(f"give either `data` or `corpus`; found {'neither' if self.data is None else 'both'}")
        return self

    def sentence(self) -> str:
        """What is read, in words."""
        return f"up to {self.most:,} unlabelled examples" + (f" of {self.corpus}" if self.corpus else "")


def check_unlabelled(spec: Unlabelled, data: AnyData | None) -> None:
    """Refuses examples of another kind than those of the data.

    Raises:
        ValueError: says which; a validator of the step turns it into an error of the recipe.
    """
    if data is None:
        raise ValueError("unlabelled examples are for one data set, and a suite has several; name one with `data:`")
    if spec.data is not None and spec.data.task != data.task:
        raise ValueError(
            f"the unlabelled data is for {spec.data.task}, and the data for {data.task}; give data of one kind"
        )
    if spec.corpus is not None and data.task == "question_answering":
        raise ValueError("a corpus asks no questions; give unlabelled.data of the form of `data`")
    columns = getattr(data, "columns", None)
    if spec.corpus is not None and getattr(columns, "pair", None) is not None:
        raise ValueError("a corpus has no pairs of texts; give unlabelled.data of the form of `data`")


def unlabelled_examples(
    spec: Unlabelled,
    task: "Task[Any, Any]",
    splits: "Splits[Any]",
    seed: int,
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> list[Any]:
    """Unanswered examples, none of which the data set has already; which ones is a function of seed and texts alone.

    Raises:
        DataError: there are none.
        RecipeError: plain text asks nothing of this kind.
    """
    known = {task.texts(example) for part in (splits.train, splits.dev, splits.test) for example in part}
    found = _Counted(_examples(spec, task, seed, inputs))
    fresh = _Counted(example for example in found if task.texts(example) not in known)
    chosen = _some(task, fresh, spec.most, seed)
    if not chosen:
        raise DataError(
            f"none of the {found.count:,} unlabelled examples is another than those of the data; give other text, or"
            " leave `unlabelled` out"
        )
    there = found.count - fresh.count
    left = f"; {there:,} that the data has already are left out" if there else ""
    out.say(f"{len(chosen):,} of {found.count:,} unlabelled examples{left}")
    out.facts["unlabelled"] = {"examples": len(chosen), "found": found.count, "already_there": there}
    return chosen


class _Counted:
    """Counts what passes."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = items
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            self.count += 1
            yield item


def _examples(spec: Unlabelled, task: "Task[Any, Any]", seed: int, inputs: Mapping[str, Artifact]) -> Iterator[Any]:
    if spec.data is not None:
        splits = read_data(spec.data, seed, inputs)
        cut = splits.dev if isinstance(getattr(spec.data, "dev", None), Cut) else ()
        yield from map(task.unanswered, (*splits.train, *cut))
        return
    from limbeck.corpora.documents import read

    assert spec.corpus is not None
    for document in read(inputs[spec.corpus].folder, "train"):
        for text, _ in document.paragraphs():
            if len(text.split()) >= _WORDS:
                yield task.plain(text)


def _some(task: "Task[Any, Any]", examples: Iterable[Any], most: int, seed: int) -> list[Any]:
    """At most so many, each once, in an order that the seed decides; no more than these are held in memory."""

    def place(example: Any) -> bytes:
        return hashlib.sha256("\0".join([str(seed), *task.texts(example)]).encode(errors="surrogatepass")).digest()

    chosen = heapq.nsmallest(most, ((place(example), number, example) for number, example in enumerate(examples)))
    return list({key: example for key, _, example in chosen}.values())
