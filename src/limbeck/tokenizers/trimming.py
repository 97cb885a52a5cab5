"""What a recipe says about dropping tokens."""

from pydantic import Field, model_validator

from limbeck.config import Config, CorpusRef

_AMOUNTS = ("keep_coverage", "keep", "megabytes")


class Trimming(Config):
    """Drops tokens that text does not use. One of `keep_coverage`, `keep` and `megabytes` says how many stay."""

    corpus: CorpusRef | list[CorpusRef] = Field(min_length=1)
    """The text whose words have to stay whole; of several, as for several languages, each counts the same."""
    keep_coverage: float | None = Field(default=None, gt=0, le=1)
    """Keep the fewest tokens that make up this share of each corpus; 0.9999 splits one token in 10,000."""
    keep: int | None = Field(default=None, ge=1)
    """Keep at most this many tokens: the most frequent."""
    megabytes: float | None = Field(default=None, gt=0)
    """Keep as many tokens, the most frequent, as fit into weights of this size: float32, 1 MB is 1,000,000 bytes."""

    @model_validator(mode="after")
    def _one_amount(self) -> "Trimming":
        given = [name for name in _AMOUNTS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"one of {', '.join(_AMOUNTS)} says how many tokens stay; found {found}")
        return self

    @property
    def corpora(self) -> list[str]:
        """References to all corpora."""
        return [self.corpus] if isinstance(self.corpus, str) else self.corpus

    def sentence(self) -> str:
        """What happens, in words."""
        corpora = " and ".join(self.corpora)
        if self.keep_coverage is not None:
            return f"keeps the tokens that make up {100 * self.keep_coverage:.10g} % of {corpora}"
        if self.keep is not None:
            return f"keeps the {self.keep:,} most frequent tokens of {corpora}"
        return f"keeps the most frequent tokens of {corpora} that fit into {self.megabytes:,.10g} MB"
