import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerBase

from tiny_tokenizers import KINDS

TEXTS = [
    "Who flew from Åre to Kraków? Anna Andersson flög från Åre till Kraków i går.",
    "Which release was late? The 3.14 release... was late; see numpy and pandas.",
    "Żółw 東京 naïve café 🙂 e\u0301 שלום עולם किताब 👩\u200d👧 🇸🇪",
    "the quick brown fox jumps over the lazy dog and over the fence of the garden",
] * 4


@pytest.fixture(scope="session")
def tokenizers() -> dict[str, PreTrainedTokenizerBase]:
    """One of each family, with a few dozen pieces, so that words break into many of them."""
    return {kind: make(TEXTS, 320) for kind, make in KINDS.items()}


@pytest.fixture(scope="session", params=KINDS)
def tokenizer(request, tokenizers) -> PreTrainedTokenizerBase:
    """Each of them."""
    return tokenizers[request.param]


@pytest.fixture(scope="session")
def bert(tokenizers) -> PreTrainedTokenizerBase:
    """WordPiece, with token types."""
    return tokenizers["bert"]


@pytest.fixture
def squad_file(tmp_path) -> Callable[..., str]:
    """Writes paragraphs, each a context and its questions, as one article in SQuAD's form."""

    def write(*paragraphs: tuple[str, list[dict[str, Any]]], name: str = "x.json", title: str = "A") -> str:
        articles = [{"title": title, "paragraphs": [{"context": text, "qas": asked} for text, asked in paragraphs]}]
        path = Path(tmp_path / name)
        path.write_text(json.dumps({"version": "1.1", "data": articles}), "utf-8")
        return str(path)

    return write
