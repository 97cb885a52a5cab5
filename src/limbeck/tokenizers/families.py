"""The families of tokenizers that can be trained, each as an untrained one of the class that its models load."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from limbeck.config import Config

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

POSITIONS = 512
"""Longest sequence that the tokenizer tells its users of, as that of BERT."""
SEEN = 2
"""How often two pieces have to stand side by side before they are merged, unless a recipe says otherwise."""
_ENDS = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4}
"""Special tokens of RoBERTa, HerBERT and XLM-R; the classes of the last two count on these numbers."""


class Family(Config):
    """Base of all families."""

    kind: str
    size: ClassVar[int]
    """Tokens, unless a recipe says otherwise: those of the model that the family is known from."""
    title: ClassVar[str]

    @abstractmethod
    def blank(self) -> PreTrainedTokenizerBase:
        """The tokenizer with nothing but its special tokens."""

    @property
    def min_seen(self) -> int:
        """How often two pieces have to stand side by side before they are merged."""
        return SEEN

    def sentence(self) -> str:
        """What it is, in words."""
        return self.title


class Merging(Family):
    """Base of the families whose tokens are merged out of shorter ones."""

    min_frequency: int = Field(default=SEEN, ge=1)
    """How often two pieces have to stand side by side before they are merged."""

    @property
    def min_seen(self) -> int:
        """As the recipe says."""
        return self.min_frequency


class WordPieceFamily(Merging):
    """BERT's: the longest token that fits; `##` marks one that goes on with a word."""

    kind: Literal["wordpiece"] = "wordpiece"
    lowercase: bool = True
    """Read text as if it were written in small letters."""
    strip_accents: bool | None = None
    """Read letters without their accents; left out, as `lowercase` says, which is how BERT did it."""

    size: ClassVar[int] = 30_522
    title: ClassVar[str] = "WordPiece, as BERT has"

    def blank(self) -> PreTrainedTokenizerBase:
        """A `BertTokenizer`."""
        from transformers import BertTokenizer

        return BertTokenizer(do_lower_case=self.lowercase, strip_accents=self.strip_accents, model_max_length=POSITIONS)

    def sentence(self) -> str:
        """Also what becomes of capitals and accents."""
        accents = self.lowercase if self.strip_accents is None else self.strip_accents
        case = "in small letters" if self.lowercase else "cased"
        return f"{self.title}, {case}, accents {'taken off' if accents else 'kept'}"


class ByteFamily(Merging):
    """RoBERTa's byte-level BPE: pairs of bytes are merged, so that no text is unknown."""

    kind: Literal["byte_bpe"] = "byte_bpe"

    size: ClassVar[int] = 50_265
    title: ClassVar[str] = "byte-level BPE, as RoBERTa has"

    def blank(self) -> PreTrainedTokenizerBase:
        """A `RobertaTokenizer`; its mask takes the space before it along, as RoBERTa's does."""
        from tokenizers import AddedToken
        from transformers import RobertaTokenizer

        mask: Any = AddedToken("<mask>", lstrip=True, normalized=False, special=True)
        return RobertaTokenizer(vocab=dict(_ENDS), merges=[], mask_token=mask, model_max_length=POSITIONS)


class CharacterFamily(Merging):
    """HerBERT's BPE: pairs of characters are merged; `</w>` marks the end of a word. Cased, accents kept."""

    kind: Literal["character_bpe"] = "character_bpe"

    size: ClassVar[int] = 50_000
    title: ClassVar[str] = "character BPE, as HerBERT has"

    def blank(self) -> PreTrainedTokenizerBase:
        """A `HerbertTokenizer`."""
        from transformers import HerbertTokenizer

        return HerbertTokenizer(vocab=dict(_ENDS), merges=[], model_max_length=POSITIONS)


class UnigramFamily(Family):
    """XLM-R's: the likeliest way to cut a word, `▁` at its beginning. Cased, and characters are read as they are."""

    kind: Literal["unigram"] = "unigram"

    size: ClassVar[int] = 32_000
    title: ClassVar[str] = "Unigram, as XLM-R has"

    def blank(self) -> PreTrainedTokenizerBase:
        """An `XLMRobertaTokenizer`."""
        from transformers import XLMRobertaTokenizer

        return XLMRobertaTokenizer(model_max_length=POSITIONS)


def _spelled_out(value: Any) -> Any:
    """A bare name means that family with its defaults."""
    if isinstance(value, str):
        return {"kind": value}
    return dict(value) if isinstance(value, Mapping) else value


AnyFamily = Annotated[
    Annotated[WordPieceFamily | ByteFamily | CharacterFamily | UnigramFamily, Field(discriminator="kind")],
    BeforeValidator(_spelled_out),
]
