"""SQuAD's scripts compute normalised strings, multisets of tokens, precision and recall; here by another route."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_support import agrees, score

from limbeck.evaluation.metrics import measure_of
from limbeck.evaluation.metrics.normalising import normalised

_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_WORD = st.sampled_from(
    ["the", "The", "a", "an", "fox", "foxes", "Fox,", "red", "...", "naïve", "”", "theatre", "1,5", ""]
)
_TEXT = st.lists(_WORD, max_size=5).map(" ".join)


def _tokens(text):
    """Characters that are no punctuation, split at white space; articles go where a word ends on both sides."""
    kept = text.lower().translate(dict.fromkeys(map(ord, _PUNCTUATION)))
    return [part for word in kept.split() for part in re.split(r"\b(?:the|an|a)\b", word) if part]


def _exact(answers, prediction):
    return max(float(_tokens(answer) == _tokens(prediction)) for answer in answers)


def _f1(answers, prediction, both_empty):
    scores = []
    for tokens in map(_tokens, answers):
        found = list(_tokens(prediction))
        size, left = len(found), list(found)
        for token in tokens:
            if token in left:
                left.remove(token)
        shared = size - len(left)
        if not tokens and not size:
            scores.append(both_empty)
        elif shared:
            precision, recall = shared / size, shared / len(tokens)
            scores.append(2 * precision * recall / (precision + recall))
        else:
            scores.append(0.0)
    return max(scores)


def _first(like):
    """Version 1.1: the mean of the best over the answers."""
    return lambda gold, said: sum(like(a, p) for a, p in zip(gold, said, strict=True)) / len(gold)


def _second(like):
    """Version 2: answers of which nothing is left are none, and no answer is the answer ""."""

    def mean(gold, said):
        cleaned = [[answer for answer in answers if _tokens(answer)] or [""] for answers in gold]
        return sum(like(a, p) for a, p in zip(cleaned, said, strict=True)) / len(gold)

    return mean


@given(st.lists(st.tuples(st.lists(_TEXT, min_size=1, max_size=3), _TEXT), min_size=1, max_size=8))
def test_version_one_on_random_answers(pairs):
    """An exact match that is off by a comma is off in every table."""
    gold, said = [tuple(answers) for answers, _ in pairs], [prediction for _, prediction in pairs]
    agrees("squad_em", _first(_exact), gold, said, draws=2)
    agrees("squad_f1", _first(lambda a, p: _f1(a, p, 0.0)), gold, said, draws=2)


@given(st.lists(st.tuples(st.lists(_TEXT, max_size=3), _TEXT), min_size=1, max_size=8))
def test_version_two_on_random_answers(pairs):
    """Unanswerable questions are half of SQuAD 2."""
    gold, said = [(), *(tuple(answers) for answers, _ in pairs)], ["", *(prediction for _, prediction in pairs)]
    for metric, like in (("squad_em", _exact), ("squad_f1", lambda a, p: _f1(a, p, 1.0))):
        measure, reference = measure_of(metric, gold, said), _second(like)
        assert measure.values(np.ones((1, len(gold))))[0] == pytest.approx(reference(gold, said), abs=1e-9)


def test_by_hand():
    """F1 counts a word as often as both have it."""
    gold = [("the quick brown fox", "a fox"), ("dog dog",), ("Paris.",)]
    said = ["brown fox", "dog dog dog", "paris"]
    assert score("squad_f1", gold, said) == pytest.approx((4 / 5 + 4 / 5 + 1) / 3)
    assert score("squad_em", gold, said) == pytest.approx(1 / 3)
    assert score("squad_em", gold, ["an  FOX!", "dog dog", "Berlin"]) == pytest.approx(2 / 3)


def test_no_answer():
    """A model that never answers must score the share of unanswerable questions, and one that answers them nothing."""
    gold = [(), ("Rome",), ()]
    assert score("squad_f1", gold, ["", "", "Rome"]) == pytest.approx(1 / 3)
    assert score("squad_em", gold, ["", "Rome", ""]) == 1
    assert measure_of("squad_em", gold, ["", "", ""]).notes == ("constant",)


def test_answers_of_which_nothing_is_left():
    """Here the two scripts differ, and each is right for its own data."""
    assert score("squad_f1", [("The",)], ["a"]) == 0
    assert score("squad_em", [("The",)], ["a"]) == 1
    assert score("squad_f1", [("The",), ()], ["a", ""]) == 1
    assert score("squad_f1", [("The", "fox"), ()], ["", ""]) == 0.5


@pytest.mark.parametrize(
    ("language", "answer", "wanted"),
    [
        ("", "An  Owl’s «Nest», the_theatre", "owl’s «nest» thetheatre"),
        ("en", "The U.S.", "us"),
        ("es", "¿El gato y Las casas?", "gato y casas"),
        ("de", "Einer der „Hunde“", "hunde"),
        ("vi", "Những chiếc thuyền", "thuyền"),
        ("ar", "البيت الكبير،", "بيت كبير"),
        ("hi", "यह घर।", "यह घर"),
        ("zh", "《红楼梦》 by Cao Xueqin, 18世纪", "红 楼 梦 by cao xueqin 18 世 纪"),
        ("ja", "東京 Tower。", "東 京 t o w e r"),
        ("th", "กรุงเทพ", " ".join("กรุงเทพ")),
        ("sv", "Ett hus, en båt", "hus båt"),
        ("sv-SE", "EN Båt", "båt"),
        ("nb", "Ei jente", "jente"),
        ("pl", "Ten „Dom”", "ten dom"),
        ("ru", "«Война и мир»", "война и мир"),
        ("el", "Η Αθήνα;", "η αθήνα"),
    ],
)
def test_normalising_by_language(language, answer, wanted):
    """Articles of another language are words; characters of a language without spaces are what can be shared."""
    assert normalised(answer, language) == wanted


def test_chinese_shares_characters():
    """Without spaces a whole answer would be one word, and half of it worth nothing."""
    assert score("squad_f1", [("北京大学",)], ["北京"], "zh") == pytest.approx(2 / 3)
    assert score("squad_f1", [("北京大学",)], ["北京"], "en") == 0
