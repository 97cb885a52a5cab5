"""Words of a text in any script, for rules that count them."""

import re

_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese. Each character is a word."""
_WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+")


def words_of(text: str) -> list[str]:
    """In small letters and in their order; marks are none."""
    return [str(word) for word in _WORD.findall(text.lower())]
