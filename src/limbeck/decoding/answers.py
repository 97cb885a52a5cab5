"""Answers to questions: stretches of a context, from scores of where they begin and end.

T tokens of a window, K of them of the context, L tokens of the longest answer, E questions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from limbeck.decoding.characters import whole

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]

COUNT = 20
"""Answers that are kept of each question, as BERT's script keeps them."""
LONGEST = 30
"""Tokens of the longest answer that is considered, as in BERT's script."""
_LARGEST = 1e30
"""What a logit that is not finite counts as; as good as infinite, and sums of two are finite."""


@dataclass(frozen=True)
class Passage:
    """What a model says of one window: a question and a stretch of its context."""

    logits: Floats
    """(T, 2): of starting and of ending at each token; rows beyond the window's tokens are not read."""
    nowhere: int
    """The token that stands for "no answer", [CLS]."""
    first: int
    """The first token of the context; the others follow it."""
    offsets: Ints
    """(K, 2): the context's tokens in characters of the whole context, the end exclusive; where nothing of a token
    can be seen, both are equal and no answer begins or ends there."""


@dataclass(frozen=True)
class Candidate:
    """A stretch of the context that may be the answer."""

    text: str
    start: int
    """Where it begins, in characters of the context."""
    end: int
    """The character after its last."""
    logit: float
    """Sum of the logits of its first and its last token; candidates are ranked by it."""
    score: float
    """Probability that the answer begins at its first token, times that it ends at its last: each a softmax over the
    places of its window where an answer may begin or end, [CLS] and the tokens of the context. In [0, 1]; it is what
    the question-answering pipeline of transformers 4 gave."""


@dataclass(frozen=True)
class Candidates:
    """What is left of all windows of one question."""

    best: tuple[Candidate, ...]
    """The best first; none twice."""
    nowhere: float
    """The smallest sum of the two logits of "no answer" in any window: where one window holds an answer, its own
    says so, and the others have none."""
    silence: float
    """Probability of "no answer", in [0, 1]: as a candidate's score, in the window where it is smallest."""

    @property
    def difference(self) -> float:
        """By how much "no answer" is likelier than the best answer, in logits; infinite if there is none."""
        return self.nowhere - self.best[0].logit if self.best else float("inf")

    def answer(self, threshold: float | None) -> Candidate | None:
        """The best answer; None where "no answer" is likelier by more than `threshold`, never if that is None."""
        if not self.best or (threshold is not None and self.difference > threshold):
            return None
        return self.best[0]

    def probabilities(self, *, nowhere: bool) -> Floats:
        """Softmax over the candidates in their order, with "no answer" as one more at the end if asked for."""
        logits = np.array([*(each.logit for each in self.best), *([self.nowhere] if nowhere else [])], dtype=np.float64)
        if not len(logits):
            return logits
        likely = np.exp(logits - logits.max())
        shares: Floats = likely / likely.sum()
        return shares


def candidates(text: str, passages: Iterable[Passage], count: int = COUNT, longest: int = LONGEST) -> Candidates:
    """The `count` best stretches of the context `text`, over all its windows.

    A stretch begins and ends at tokens of the context, is at most `longest` tokens long, and is read as whole
    visible characters. What several windows or several tokens give is kept once, with its highest logit; of equals
    the first in the text. Scores that are not numbers count as impossible.
    """
    found: dict[tuple[int, int], Candidate] = {}
    nowhere, silence = [], []
    for passage in passages:
        logits_T2 = np.nan_to_num(np.asarray(passage.logits, dtype=np.float64), nan=-_LARGEST)
        logits_T2 = np.clip(logits_T2, -_LARGEST, _LARGEST)
        total_2 = _total(passage, logits_T2)
        nowhere.append(float(logits_T2[passage.nowhere].sum()))
        silence.append(float(np.exp(logits_T2[passage.nowhere] - total_2).prod()))
        for candidate in _of_passage(text, passage, logits_T2, total_2, count, longest):
            place = candidate.start, candidate.end
            if place not in found or found[place].logit < candidate.logit:
                found[place] = candidate
    ranked = sorted(found.values(), key=lambda each: (-each.logit, each.start, each.end))
    return Candidates(tuple(ranked[:count]), min(nowhere, default=0.0), min(silence, default=0.0))


def best_threshold(differences: Sequence[float], answered: Sequence[float], silent: Sequence[float]) -> float:
    """The threshold for `Candidates.answer` with the highest sum of scores, as SQuAD 2.0's script chooses it.

    For each question: its `difference`, its score if the best answer is given, and its score if none is. Questions
    with the same difference are decided alike. Of equally good thresholds the smallest; where no answer at all is
    best, one below all differences.
    """
    differences_E = np.asarray(differences, dtype=np.float64)
    known = np.isfinite(differences_E)
    gains_E = (np.asarray(answered, dtype=np.float64) - np.asarray(silent, dtype=np.float64))[known]
    values, which = np.unique(differences_E[known], return_inverse=True)
    if len(values) == 0:
        return 0.0
    gained = np.cumsum(np.bincount(which, weights=gains_E, minlength=len(values)))
    best = int(gained.argmax())
    return float(values[best]) if gained[best] > 0 else float(values[0]) - 1.0


def _total(passage: Passage, logits_T2: Floats) -> Floats:
    """The logarithms of what the shares of a window's starts and of its ends are shares of, (2,)."""
    return _log_sum(np.concatenate([logits_T2[passage.nowhere][None], _places(passage, logits_T2)]))


def _places(passage: Passage, logits_T2: Floats) -> Floats:
    """The context's rows, (K, 2); -inf where nothing can be seen."""
    visible_K = passage.offsets[:, 0] < passage.offsets[:, 1]
    logits_K2 = logits_T2[passage.first : passage.first + len(visible_K)]
    return np.where(visible_K[:, None], logits_K2, -np.inf)


def _of_passage(
    text: str, passage: Passage, logits_T2: Floats, total_2: Floats, count: int, longest: int
) -> Iterable[Candidate]:
    """The best stretches of one window, several of which may be the same characters."""
    logits_K2 = _places(passage, logits_T2)
    for first, last in _best_places(logits_K2, count, longest):
        start, end = whole(text, int(passage.offsets[first, 0]), int(passage.offsets[last, 1]))
        if start < end:
            both = logits_K2[first, 0], logits_K2[last, 1]
            score = float(np.exp(both[0] - total_2[0]) * np.exp(both[1] - total_2[1]))
            yield Candidate(text[start:end], start, end, float(both[0] + both[1]), score)


def _best_places(logits_K2: Floats, count: int, longest: int) -> Iterable[tuple[int, int]]:
    """First and last token of the stretches with the highest sums."""
    ends = np.concatenate([logits_K2[:, 1], np.full(longest - 1, -np.inf)])
    if len(ends) < longest:
        return []
    sums = (logits_K2[:, :1] + sliding_window_view(ends, longest)).ravel()
    kept = np.argpartition(sums, -count)[-count:] if len(sums) > count else np.arange(len(sums))
    firsts, more = np.divmod(kept[sums[kept] > -np.inf], longest)
    return zip(firsts.tolist(), (firsts + more).tolist(), strict=True)


def _log_sum(logits_N2: Floats) -> Floats:
    highest = logits_N2.max(axis=0)
    total: Floats = highest + np.log(np.exp(logits_N2 - highest).sum(axis=0))
    return total
