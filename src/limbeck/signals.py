"""What an objective asks of a model, and what a model hands over.

B sequences, T tokens, H hidden width, A heads, D width of a head, V classes (vocabulary or labels),
N selected positions. Layers are numbered from 1; 0 is the output of the embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Positions = Literal["none", "selected", "all"]
"""Where logits are read: nowhere, at the batch's selected positions, everywhere."""


Head = Literal["tags", "span", "class", "value"]
"""What a model of a task says: a class of each token, where an answer begins and ends, a class or number of a text."""


@dataclass(frozen=True)
class Needs:
    """The signals of one model that something reads; whatever is not named is never computed."""

    hidden: frozenset[int] = frozenset()
    """Layers whose output is read."""
    attention: frozenset[int] = frozenset()
    """Layers whose queries, keys or values are read."""
    logits: Positions = "none"
    temperatures: frozenset[float] = frozenset()
    """Temperatures at which the logits are read as a distribution."""
    whole_logits: bool = False
    """Whether every logit is read for itself."""
    pairs: bool = False
    """Whether the logits of the next-sentence head are read."""

    def __or__(self, other: Needs) -> Needs:
        """What either of two needs reads."""
        wider: Positions = max(self.logits, other.logits, key=("none", "selected", "all").index)
        return Needs(
            self.hidden | other.hidden,
            self.attention | other.attention,
            wider,
            self.temperatures | other.temperatures,
            self.whole_logits or other.whole_logits,
            self.pairs or other.pairs,
        )

    @property
    def last_layer(self) -> int:
        """The last layer that has to run when no head is read."""
        return max(self.hidden | self.attention, default=0)

    @property
    def reads_a_head(self) -> bool:
        """Whether all layers have to run, because something behind the last one is read."""
        return self.logits != "none" or self.pairs


UNKNOWN = -1
"""Label of what is asked about and nobody knows: a teacher may say it, and who learns hears only the teacher."""


@dataclass(frozen=True)
class Batch:
    """Token sequences and what is to be predicted from them."""

    input_ids: Tensor
    """(B, T), padded."""
    attention_mask: Tensor
    """(B, T): 1 for a token, 0 for padding."""
    labels: Tensor | None = None
    """(B, T): the class at each position that is asked about, `UNKNOWN` where nobody knows it, -100 elsewhere."""
    answers: Tensor | None = None
    """What is asked about each whole sequence, in place of `labels`: (B, 1) its class, or (B, 2) the first and the last
    token of the answer; `UNKNOWN` where nobody knows it."""
    values: Tensor | None = None
    """(B,): the number asked about each sequence, in place of `labels`; NaN where nobody knows it."""
    choices: Tensor | None = None
    """(B, T): 1 where an answer may begin or end; every token if absent."""
    token_types: Tensor | None = None
    """(B, T): 0 in the first text of a pair, 1 in the second; all 0 if absent."""
    pair_labels: Tensor | None = None
    """(B,): 0 where the second text follows the first, 1 where it does not, -100 where that is not to be judged."""
    words: Tensor | None = None
    """(B, T): the number of the word that each token is in, of those that `teacher` has too; -1 in none."""
    teacher: Batch | None = None
    """The same text as a teacher with another tokenizer reads it, its words by the same numbers."""
    documents: Tensor | None = None
    """(B, T): which document a token belongs to where rows hold several, numbered from 1 through the whole batch; 0 is
    padding. Absent, a row is one document."""

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int(self.attention_mask.sum())

    @property
    def owners(self) -> Tensor:
        """(B, T): which document of its row a token belongs to, 0 for padding; 1 where a row is one document."""
        return self.attention_mask if self.documents is None else self.documents

    @property
    def positions(self) -> Tensor | None:
        """(B, T): the place of each token in its document, from 0; None where a row is one document."""
        if self.documents is None:
            return None
        place_T = self.documents.new_ones(self.documents.shape[1]).cumsum(0) - 1
        begins_BT = self.documents != self.documents.roll(1, dims=1)
        return place_T - (begins_BT * place_T).cummax(1).values

    @property
    def sequences(self) -> int:
        """Documents; rows, where a row is one."""
        if self.documents is None:
            return len(self.input_ids)
        return int(((self.positions == 0) & (self.documents > 0)).sum())

    @property
    def of_sequences(self) -> bool:
        """Whether what is asked about are whole sequences."""
        return self.answers is not None or self.values is not None

    @property
    def targets(self) -> Tensor:
        """(N,): what is asked about, in the order of the selected logits: `labels`, `answers` or `values`.

        Of answers, the first tokens of all sequences stand before the last ones.
        """
        if self.values is not None:
            return self.values
        if self.answers is not None:
            return self.answers.T.reshape(-1)
        assert self.labels is not None, "what is asked about was read of a batch without"
        return self.labels[self.labels != -100]

    @property
    def unmasked(self) -> Batch:
        """The same text with nothing hidden and no labels, where the labels are the tokens that were masked."""
        if self.labels is None:
            return self
        return replace(self, input_ids=self.labels.where(self.labels != -100, self.input_ids), labels=None)

    def pieces(self, size: int) -> Iterator[Batch]:
        """The same sequences in order, at most `size` at a time."""
        for start in range(0, len(self.input_ids), size):
            yield self._each(itemgetter(slice(start, start + size)))

    def to(self, where: torch.device) -> Batch:
        """The same batch on another device."""
        return self._each(lambda value: value.to(where))

    def _each(self, change: Callable[[Any], Any]) -> Batch:
        """Every tensor changed, the teacher's too."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        changed: dict[str, Any] = {
            name: value._each(change) if isinstance(value, Batch) else change(value) for name, value in given.items()
        }
        return replace(self, **changed)


@dataclass(frozen=True)
class TopLogits:
    """The largest logits of each position, and what all others weigh together; K classes are told apart."""

    values: Tensor
    """(N, K) or (B, T, K), up to a constant for each position."""
    classes: Tensor
    """(N, K) or (B, T, K): whose logits they are."""
    rest: dict[float, Tensor]
    """Temperature to (N,) or (B, T): log of the sum of exp(logit / temperature) over all other classes."""

    def at(self, chosen_BT: Tensor) -> TopLogits:
        """The rows (N, ...) where `chosen_BT` is true, of logits that hold all positions."""
        rest = {temperature: rest[chosen_BT] for temperature, rest in self.rest.items()}
        return TopLogits(self.values[chosen_BT], self.classes[chosen_BT], rest)


@dataclass
class Outputs:
    """Signals of one model on one batch."""

    hidden: dict[int, Tensor] = field(default_factory=dict)
    """Layer to its output, (B, T, H)."""
    queries: dict[int, Tensor] = field(default_factory=dict)
    """Layer to its queries, (B, A, T, D), scaled so that queries @ keys (+ biases) are the attention scores."""
    keys: dict[int, Tensor] = field(default_factory=dict)
    """Layer to its keys, (B, A, T, D)."""
    values: dict[int, Tensor] = field(default_factory=dict)
    """Layer to its values, (B, A, T, D)."""
    scales: dict[int, float] = field(default_factory=dict)
    """Layer to the factor by which its queries were scaled."""
    biases: dict[int, Tensor] = field(default_factory=dict)
    """Layer to what its attention adds to queries @ keys, (B, A, T, T); DeBERTa-v2's relative positions."""
    logits: Tensor | None = None
    """(N, V) at the selected positions (those with a label, in reading order), or (B, T, V). Of whole sequences (B, V),
    of the places of an answer (2B, T): see `Batch.targets`."""
    top: TopLogits | None = None
    """In place of `logits`, where only the largest are known."""
    pair_logits: Tensor | None = None
    """(B, 2): whether the second text follows the first; class 0 says so."""


@dataclass(frozen=True)
class Shape:
    """What has to agree between two models, known before either is loaded."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    positions: int
    """Longest sequence in tokens."""
