"""Tokenizers of every kind, trained once on a text of two languages."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

import tiny_tokenizers
from limbeck.tokenizers.counting import count_tokens

_SWEDISH = "sjö älg åker huset husen huseta bil bilar bilen skog skogen björn björnar dröm drömmar vinter vintern"
_POLISH = "łódź żaba dom domy domek las lasy zima zimowy zimowa góra góry sen senny ćma ćmy ręka ręce"
_PLAIN = "and under letter table stone morning"


@dataclass(frozen=True)
class Kind:
    """A tokenizer and the text of its two languages."""

    name: str
    tokenizer: PreTrainedTokenizerBase
    swedish: list[str]
    polish: list[str]

    @property
    def document(self) -> str:
        """Its tokenizer.json."""
        return str(self.tokenizer.backend_tokenizer.to_str())

    def counts(self, texts: list[str]) -> np.ndarray:
        """How often they use each token."""
        return count_tokens(texts, self.tokenizer.backend_tokenizer, len(self.tokenizer))


def _lines(words: str, seed: int) -> list[str]:
    random_ = random.Random(seed)
    return [" ".join(random_.choices(f"{words} {_PLAIN}".split(), k=12)) + "." for _ in range(200)]


_MADE: dict[str, Kind] = {}


@pytest.fixture(params=tiny_tokenizers.KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind in turn."""
    name = str(request.param)
    if name not in _MADE:
        swedish, polish = _lines(_SWEDISH, 1), _lines(_POLISH, 2)
        size = 500 if name == "roberta" else 260
        _MADE[name] = Kind(name, tiny_tokenizers.KINDS[name](swedish + polish, size), swedish, polish)
    return _MADE[name]
