"""The trivial answer that a model has to beat: the sentence of the context that has most words of the question."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

from limbeck.tasks.question_answering.question import Question
from limbeck.tasks.question_answering.words import words_of

_SENTENCE = re.compile(r"[^\s](?:.*?(?:[.!?…؟۔।]+[\"'”»)\]]*(?=\s)|[。！？]+|$))", re.DOTALL)


def usual_answers(train: Sequence[Question]) -> dict[str, bool]:
    """Whether it is better never to answer: where more questions have no answer than sentences are worth in F1."""
    worth = sum(_overlap(said, question) for said, question in zip(likely_sentences(train), train, strict=True))
    return {"silent": sum(question.impossible for question in train) > worth}


def guess_answers(usual: Mapping[str, bool], questions: Sequence[Question]) -> list[str]:
    """The likely sentence of each context, or nothing at all."""
    return [""] * len(questions) if usual["silent"] else likely_sentences(questions)


def likely_sentences(questions: Sequence[Question]) -> list[str]:
    """For each question the sentence of its context that shares most words with it, the first of equals.

    A word counts the more the rarer it is: log(1 + sentences / sentences that have it), of all these contexts.
    """
    contexts = {text: _sentences(text) for text in dict.fromkeys(question.text for question in questions)}
    seen = Counter(word for sentences in contexts.values() for _, words in sentences for word in words)
    total = sum(map(len, contexts.values()))
    found = []
    for question in questions:
        asked = frozenset(words_of(question.question))
        worths = [sum(log(1 + total / seen[word]) for word in words & asked) for _, words in contexts[question.text]]
        found.append(contexts[question.text][worths.index(max(worths))][0] if worths else "")
    return found


def sentences_of(text: str) -> list[tuple[int, int]]:
    """Where each sentence starts and ends, in characters, the end exclusive."""
    return [match.span() for match in _SENTENCE.finditer(text)]


def _sentences(text: str) -> list[tuple[str, frozenset[str]]]:
    """Each sentence and its words."""
    sentences = (text[start:end] for start, end in sentences_of(text))
    return [(sentence, frozenset(words_of(sentence))) for sentence in sentences]


def _overlap(said: str, question: Question) -> float:
    """F1 of the words with the best of the answers; the metric itself also leaves out articles."""
    ours = Counter(words_of(said))
    best = 0.0
    for answer, _ in question.answers:
        theirs = Counter(words_of(answer))
        best = max(best, 2 * (ours & theirs).total() / max(ours.total() + theirs.total(), 1))
    return best
