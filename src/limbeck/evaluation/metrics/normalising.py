"""Written answers made comparable: case, punctuation, articles and white space taken away.

English, and a language not given, as SQuAD's scripts do it: punctuation is that of ASCII, articles are a, an, the.
Any other language as MLQA's and MKQA's scripts do it: punctuation is Unicode's and that of ASCII. Chinese is cut
into characters by MLQA's rule, which leaves Latin words whole; Japanese, Thai and Khmer into all their characters, by
MKQA's.
"""

import re
import string
import unicodedata
from functools import lru_cache

ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "ar": r"ال",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "da": r"\b(en|et)\b",
    "fi": r"\b(se|yks|yksi)\b",
    "hu": r"\b(a|az|egy)\b",
    "nl": r"\b(de|het|een|des|der|den)\b",
    "no": r"\b(en|et|ei)\b",
    "pt": r"\b(o|a|os|as|um|uma|uns|umas)\b",
    "sv": r"\b(en|ett)\b",
}
"""The first is SQuAD's, the next four are MLQA's, the others MKQA's; no other language loses any word."""
_SAME = {"nb": "no", "nn": "no"}
_WHOLLY_CUT = ("ja", "km", "th")
_HAN = re.compile("([\u4e00-\u9fa5])")


def normalised(answer: str, language: str = "") -> str:
    """Words parted by single spaces, "" where nothing is left."""
    code = re.split("[-_]", language.lower())[0] or "en"
    code = _SAME.get(code, code)
    punctuation = _ascii if code == "en" else _unicode
    text = "".join(character for character in answer.lower() if not punctuation(character))
    if code in ARTICLES:
        text = re.sub(ARTICLES[code], " ", text)
    if code == "zh":
        text = _HAN.sub(r" \1 ", text)
    elif code in _WHOLLY_CUT:
        text = " ".join(text)
    return " ".join(text.split())


def _ascii(character: str) -> bool:
    return character in string.punctuation


@lru_cache(maxsize=4096)
def _unicode(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")
