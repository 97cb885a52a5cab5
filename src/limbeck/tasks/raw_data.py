"""What a model without a head of a task is asked: the `data:` of an evaluation of models as they are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limbeck.config import Config, CorpusRef
from limbeck.tasks.data import AnyData
from limbeck.tasks.lines import identity
from limbeck.tasks.sequence_classification.table_data import TableColumns
from limbeck.tasks.sequence_classification.table_rows import Format
from limbeck.tasks.sources import Paths, each, name_of

ClozeMetric = Literal["pseudo_perplexity", "mlm_loss", "mlm_accuracy"]


class _HeldOut(Config):
    corpus: CorpusRef
    """Its documents are read that no training saw."""
    split: Literal["dev", "test"] = "dev"
    """Which part of the corpus."""

    @property
    def called(self) -> str:
        """A short name for tables."""
        return self.corpus.removeprefix("@")

    def outside(self) -> None:
        """Nothing: the corpus is part of the run."""
        return


class _Examples(Config):
    test: Paths
    """Files."""

    @property
    def called(self) -> str:
        """A short name for tables."""
        return name_of(self.model_dump())

    def outside(self) -> Any:
        """Path, size and time of change of every file."""
        return identity(each(self.test))


class MaskedText(_HeldOut):
    """How well models fill masks, at the same words of the same passages whatever their tokenizers."""

    kind: Literal["masked_text"] = "masked_text"
    passages: int = Field(default=500, ge=10)
    """At most so many are drawn."""
    context: int = Field(default=64, ge=8, le=400)
    """Longest passage in words."""
    share: float = Field(default=0.15, gt=0, lt=1)
    """Of a passage's words, how many are hidden at once for `mlm_loss` and `mlm_accuracy`."""
    turns: int = Field(default=2, ge=1)
    """Words of a passage that are hidden one after the other for `pseudo_perplexity`."""
    metrics: tuple[ClozeMetric, ...] = Field(default=("pseudo_perplexity", "mlm_loss", "mlm_accuracy"), min_length=1)
    """`mlm_loss` and `mlm_accuracy` count tokens, so they compare models of one tokenizer only."""


class SentencePairs(_HeldOut):
    """Whether models that judge pairs of texts tell a paragraph that follows from one of another document."""

    kind: Literal["sentence_pairs"] = "sentence_pairs"
    pairs: int = Field(default=1_000, ge=20)
    """At most so many are drawn; half of them follow."""
    length: int = Field(default=256, ge=16)
    """Longest pair in tokens."""


class Similarity(_Examples):
    """Whether texts that people hold alike have vectors that are: pairs of texts and a number."""

    kind: Literal["similarity"] = "similarity"
    columns: TableColumns = TableColumns(pair="pair")
    """Where the two texts and the number stand."""
    format: Format | None = None
    """`tsv`, `csv` or `jsonl`; by default what the file's name says."""
    header: bool = True
    """Whether the first line of TSV and CSV files names the columns; without it, give columns by number."""
    length: int = Field(default=128, ge=16)
    """Longest text in tokens; what is longer is cut at its end."""


class Retrieval(_Examples):
    """Whether a question's vector is nearest to that of its own paragraph, of all paragraphs: files as SQuAD's."""

    kind: Literal["retrieval"] = "retrieval"
    length: int = Field(default=256, ge=16)
    """Longest text in tokens; what is longer is cut at its end."""


Raw = MaskedText | SentencePairs | Similarity | Retrieval
AnyTest = Annotated[AnyData | Raw, Field(discriminator="kind")]
"""What an evaluation is on: examples of a task, or what models are asked that have no head of one."""
