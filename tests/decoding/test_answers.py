import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.decoding.answers import Candidate, Candidates, Passage, best_threshold, candidates
from limbeck.decoding.characters import whole

WORDS = "the quick brown fox jumps over the lazy dog"


def _offsets(text):
    found, place = [], 0
    for word in text.split(" "):
        found.append((place, place + len(word)))
        place += len(word) + 1
    return np.array(found)


def _passage(starts, ends, text=WORDS, nowhere=(0.0, 0.0)):
    """[CLS] question [SEP] context [SEP], the question one token."""
    inner = np.stack([starts, ends], axis=1)
    outer = np.full((1, 2), 50.0)
    logits = np.concatenate([np.array([nowhere]), outer, outer, inner, outer]).astype(np.float32)
    return Passage(logits, 0, 3, _offsets(text)[: len(inner)])


def _one_hot(place, count=9, height=5.0):
    return np.where(np.arange(count) == place, height, 0.0)


def test_the_best_stretch_by_hand():
    """Tokens of the question score high too, and are no answer."""
    found = candidates(WORDS, [_passage(_one_hot(1), _one_hot(3))])
    best = found.best[0]
    assert (best.text, best.start, best.end, best.logit) == ("quick brown fox", 4, 19, 10.0)
    share = math.exp(5) / (math.exp(5) + 9)  # nine other places: eight words and [CLS]
    assert best.score == pytest.approx(share**2)
    assert found.nowhere == 0.0
    assert found.difference == -10.0


def test_no_answer_ends_before_it_begins():
    """The likeliest start and the likeliest end, each for itself, are often no stretch at all."""
    found = candidates(WORDS, [_passage(_one_hot(3), _one_hot(1))])
    assert all(each.start < each.end for each in found.best)
    assert [each.text for each in found.best[:3]] == ["the quick", "quick", "fox"]  # 5.0 each, in reading order


def test_answers_have_a_longest_length():
    """A whole paragraph holds the answer and is none."""
    starts, ends = _one_hot(0), _one_hot(8)
    assert candidates(WORDS, [_passage(starts, ends)]).best[0].text == WORDS
    short = candidates(WORDS, [_passage(starts, ends)], longest=8)
    assert max(len(each.text.split()) for each in short.best) == 8
    assert candidates(WORDS, [_passage(starts, ends)], longest=1, count=99).best[0].logit == 5.0


def test_windows_are_asked_together():
    """The stretch that two windows share would fill the list with copies, and count twice."""
    left = _passage(_one_hot(1), _one_hot(1), nowhere=(4.0, 1.0))
    right = _passage(_one_hot(1, height=6.0), _one_hot(1, height=6.0), nowhere=(1.0, 1.0))
    found = candidates(WORDS, [left, right])
    places = [(each.start, each.end) for each in found.best]
    assert len(places) == len(set(places)) == 20
    assert (found.best[0].text, found.best[0].logit) == ("quick", 12.0)
    assert found.nowhere == 2.0


def test_bytes_of_one_character_are_one_answer():
    """The four bytes of an emoji are four tokens, and ten stretches that read the same."""
    text = "so 🙂 glad"
    offsets = np.array([(0, 2), (3, 4), (3, 4), (3, 4), (5, 9)])
    found = candidates(text, [Passage(np.zeros((6, 2)), 0, 1, offsets)])
    assert [each.text for each in found.best] == ["so", "so 🙂", "so 🙂 glad", "🙂", "🙂 glad", "glad"]


def test_an_accent_stays_with_its_letter():
    """A tokenizer that takes letter and accent apart would answer with half a letter."""
    text = "cafe\u0301 bar"
    logits = np.array([[0, 0], [0, 0], [9, 9], [0, 0]])
    found = candidates(text, [Passage(logits, 0, 1, np.array([(0, 3), (3, 4), (4, 5)]))])
    assert found.best[0].text == "e\u0301"


def test_unseen_tokens_are_no_places():
    """An answer of white space is none."""
    offsets = np.array([(0, 0), (1, 4), (5, 5)])
    logits = np.array([[0, 0], [9, 9], [1, 1], [9, 9]])
    assert [each.text for each in candidates(" the ", [Passage(logits, 0, 1, offsets)]).best] == ["the"]


def test_nothing_to_answer_from():
    """An empty context is a question that a user can send."""
    found = candidates("", [Passage(np.zeros((3, 2)), 0, 2, np.zeros((0, 2), dtype=np.int64))])
    assert found.best == ()
    assert found.answer(None) is None
    assert found.difference == math.inf
    assert found.probabilities(nowhere=True).tolist() == [1.0]
    assert found.probabilities(nowhere=False).tolist() == []
    assert candidates("text", []).best == ()


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_scores_of_a_diverged_model_are_answers_still(broken):
    """A seed that diverged has to be shown, not to end the evaluation."""
    found = candidates(WORDS, [_passage(np.full(9, broken), np.full(9, broken), nowhere=(broken, broken))])
    assert all(math.isfinite(each.logit) and 0 <= each.score <= 1 for each in found.best)
    assert math.isfinite(found.probabilities(nowhere=True).sum())


@given(seed=st.integers(0, 999), longest=st.integers(1, 12), count=st.integers(1, 30), tokens=st.integers(0, 15))
def test_against_a_plain_loop(seed, longest, count, tokens):
    """A vectorised search that misses one stretch misses it in every evaluation."""
    random = np.random.default_rng(seed)
    text = "Łódź 🙂 e\u0301t\u0301é  ab \u200bcd שלום 東京" + " x" * 20
    bounds = np.sort(random.integers(0, len(text) + 1, (2, tokens, 2)), axis=2)
    logits = random.normal(size=(2, tokens + 2, 2)).astype(np.float32)
    passages = [Passage(logits[n], 0, 2, np.sort(bounds[n], axis=0)) for n in range(2)]
    expected = {}
    for passage in passages:
        for i, (start, low_end) in enumerate(passage.offsets):
            for j in range(i, min(i + longest, tokens)):
                low, end = passage.offsets[j]
                place = whole(text, start, end)
                if start < low_end and low < end and place[0] < place[1]:
                    logit = float(passage.logits[i + 2, 0]) + float(passage.logits[j + 2, 1])
                    expected[place] = max(logit, expected.get(place, -np.inf))
    found = candidates(text, passages, count=10_000, longest=longest)
    ranked = sorted(expected.items(), key=lambda item: (-item[1], item[0]))
    assert [((each.start, each.end), pytest.approx(each.logit)) for each in found.best] == ranked
    assert all(each.text == text[each.start : each.end] for each in found.best)
    best = candidates(text, passages, count=count, longest=longest).best
    assert best[:1] == found.best[:1]
    assert len(best) <= count


def _of(*logits, nowhere=0.0):
    return Candidates(tuple(Candidate(str(n), n, n + 1, logit, 0.5) for n, logit in enumerate(logits)), nowhere, 0.0)


def test_silence_by_hand():
    """A model that may say nothing and never does answers questions that have no answer."""
    found = _of(2.0, 1.0, nowhere=3.0)
    assert found.difference == 1.0
    assert found.answer(None).text == "0"
    assert found.answer(1.0).text == "0"
    assert found.answer(0.5) is None
    shares = np.exp([2.0, 1.0, 3.0])
    assert found.probabilities(nowhere=True).tolist() == pytest.approx((shares / shares.sum()).tolist())
    assert found.probabilities(nowhere=False).tolist() == pytest.approx((shares[:2] / shares[:2].sum()).tolist())


def _official(differences, answered, answerable):
    """`find_best_thresh` of SQuAD 2.0's script, its questions as lists."""
    score = best = sum(not each for each in answerable)
    threshold = 0.0
    for place in sorted(range(len(differences)), key=differences.__getitem__):
        score += answered[place] if answerable[place] else -1
        if score > best:
            best, threshold = score, differences[place]
    return best, threshold


@given(
    rows=st.lists(st.tuples(st.integers(-50, 50), st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), min_size=1),
)
def test_the_threshold_is_the_official_one(rows):
    """A threshold that is a little off costs points that the model had earned."""
    rows = list({row[0]: row for row in rows}.values())  # no two with the same difference
    differences, scores, answerable = (list(column) for column in zip(*rows, strict=True))
    answered = [score if can else 0.0 for score, can in zip(scores, answerable, strict=True)]
    silent = [0.0 if can else 1.0 for can in answerable]
    best, expected = _official(differences, answered, answerable)
    threshold = best_threshold(differences, answered, silent)
    said = [a if d <= threshold else s for d, a, s in zip(differences, answered, silent, strict=True)]
    assert sum(said) == pytest.approx(best)
    if best > sum(silent):
        assert threshold == expected
    else:
        assert threshold < min(differences)


def test_equal_differences_are_decided_alike():
    """The script stops between two questions that no threshold can tell apart."""
    assert best_threshold([1.0, 1.0], [1.0, 0.0], [0.0, 1.0]) < 1.0
    assert best_threshold([1.0, 1.0], [1.0, 0.5], [0.0, 1.0]) == 1.0


def test_questions_without_any_candidate_choose_nothing():
    """An infinite threshold is no JSON."""
    assert best_threshold([math.inf], [0.0], [0.0]) == 0.0
    assert best_threshold([math.inf, 2.0], [0.0, 1.0], [1.0, 0.0]) == 2.0
    assert best_threshold([], [], []) == 0.0
