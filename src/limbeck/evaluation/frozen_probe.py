"""Did a training make anything of its model that a task can use? It has to beat the architecture that it began with.

A linear classifier on random vectors is no fool: it knows every word that it has seen. One on a model whose text was
read by the wrong tokenizer, or whose labels were shuffled, is no better; one on a model that knows its language is.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from limbeck.errors import TrainingError
from limbeck.evaluation.linear import Floats, Ints, fit_linear
from limbeck.evaluation.metrics import measure_of, shown
from limbeck.evaluation.trial import Trial
from limbeck.workspace import Progress, Workspace

Encode = Callable[..., Any]
"""An encoder, as the probe calls it."""
Fit = Callable[[Floats, Ints, int], Callable[[Floats], Floats]]
"""Trains a linear classifier on vectors, their classes and the number of classes; gives the logits of other vectors."""


class Probe(Protocol):
    """The examples that encoders are tried on."""

    @property
    def data(self) -> str:
        """What they are called."""

    @property
    def task(self) -> str:
        """Which task they are of."""

    @property
    def metric(self) -> str:
        """How answers are scored."""

    @property
    def windows(self) -> int:
        """How many an encoder reads."""

    @property
    def gold(self) -> Sequence[Any]:
        """What should be said of the held-out examples."""

    def said(self, encode: Encode, fit: Fit, progress: Progress) -> tuple[list[Any], Floats]:
        """What a classifier of this encoder's vectors says of them, and vectors of them; progress by one a window."""


TRAINED, UNTRAINED, BEFORE = "trained", "untrained", "before"
"""Names of the models in the trial; the last is what the step began with, where that had been trained."""
UNTRAINED_SEEDS = (0, 1)
"""Of the weights of untrained encoders: how much luck there is in one draw belongs to the interval."""
RESAMPLES = 2_000
MOVED = 1e-4
"""By this share of their length, at least, a training moves an encoder's vectors; rounding moves them by 1e-7."""


@dataclass(frozen=True)
class Verdict:
    """A linear classifier on the trained encoder beside one on the same architecture untrained."""

    data: str
    metric: str
    trained: float
    untrained: float
    ci95: tuple[float, float]
    """Of the difference, over held-out examples and over draws of the untrained weights."""
    texts: int
    """Held-out examples."""
    before: float | None = None
    """On the weights that the step began with."""
    unchanged: bool = False
    """The encoder gives the vectors that it gave before the step."""
    worse: bool = False
    """The whole interval of its difference to the score before the step lies below zero."""

    @property
    def learned(self) -> bool:
        """Whether the gain is more than chance, and the step had a part in it."""
        return self.ci95[0] > 0 and not self.unchanged

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {**vars(self), "ci95": list(self.ci95), "learned": self.learned}

    def sentence(self) -> str:
        """The scores."""
        low, high = self.ci95
        same = ", whose vectors it left as they were" if self.unchanged else ""
        before = "" if self.before is None else f" and {self.before:.3f} before this step{same}"
        return (
            f"a linear classifier on its frozen encoder has {self.metric} {self.trained:.3f} on {self.texts:,} held-out"
            f" texts of {self.data}, against {self.untrained:.3f} for the same architecture untrained (difference"
            f" {self.trained - self.untrained:.3f}, 95 % interval {low:.3f} to {high:.3f}){before}"
        )


class Trying:
    """A probe of one training: what the encoder was worth before it, if it was worth anything, and after it."""

    def __init__(self, probe: Probe, out: Workspace, *, must_learn: bool) -> None:
        self._probe = probe
        self._out = out
        self._must_learn = must_learn
        self._before: tuple[list[Any], Floats] | None = None

    def before(self, encode: Encode) -> None:
        """Tries the encoder that the training is to go on with."""
        self._before = self._said(encode, BEFORE)

    def after(self, encode: Encode, untrained: Iterable[Encode]) -> list[str]:
        """Tries the trained encoder and untrained ones; says, and keeps as a fact, how they compare.

        Returns:
            A warning, if nothing was learnt, or something lost.

        Raises:
            TrainingError: nothing was, and it has to be.
        """
        found = self._verdict(encode, untrained)
        self._out.facts["frozen_probe"] = found.facts()
        if found.learned:
            self._out.say(f"this model learned: {found.sentence()}")
            return (
                [self._warn(f"this step made its model worth less to a task: {found.sentence()}")]
                if found.worse
                else []
            )
        nothing = f"this model learned nothing that the task can use: {found.sentence()}"
        if self._must_learn:
            raise TrainingError(
                f"{nothing}; see whether text and tokenizer belong together, and train longer or at another learning"
                " rate, or set must_learn: false in `probe` to keep it. What was made before is kept"
            )
        return [self._warn(nothing)]

    def _warn(self, text: str) -> str:
        self._out.say(f"warning: {text}")
        return text

    def _verdict(self, encode: Encode, untrained: Iterable[Encode]) -> Verdict:
        probe, known = self._probe, self._before
        answers, vectors = self._said(encode, TRAINED)
        said = {
            TRAINED: [answers],
            UNTRAINED: [self._said(each, UNTRAINED)[0] for each in untrained],
            **({BEFORE: [known[0]]} if known is not None else {}),
        }
        gold = probe.gold
        measures = {name: [measure_of(probe.metric, gold, each) for each in by] for name, by in said.items()}
        seeds = {name: range(len(by)) for name, by in said.items()}
        floor, *_ = measures[UNTRAINED]
        trial = Trial(probe.task, probe.data, "", shown(probe.metric), measures, seeds, floor, resamples=RESAMPLES)
        return Verdict(
            probe.data,
            trial.metric,
            trial.score(TRAINED),
            trial.score(UNTRAINED),
            trial.contrast(TRAINED, UNTRAINED).ci95,
            len(gold),
            None if known is None else trial.score(BEFORE),
            known is not None and _same(known[1], vectors),
            known is not None and trial.contrast(TRAINED, BEFORE).clearly_below,
        )

    def _said(self, encode: Encode, name: str) -> tuple[list[Any], Floats]:
        """What is said of the held-out examples by this encoder's vectors, and these; `name` tells encoders apart."""
        with self._out.progress(f"probe of the encoder {name}", self._probe.windows, "windows") as bar:
            return self._probe.said(encode, _fit, bar)


def _same(before_NH: Floats, after_NH: Floats) -> bool:
    return bool(np.linalg.norm(after_NH - before_NH) < MOVED * np.linalg.norm(before_NH))


def _fit(vectors_NH: Floats, classes_N: Ints, classes: int) -> Callable[[Floats], Floats]:
    return fit_linear(vectors_NH, classes_N, classes).logits
