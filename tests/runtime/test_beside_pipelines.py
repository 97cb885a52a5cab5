"""Answers beside those of transformers' own pipelines."""

import warnings

import pytest
from runtime_support import LABELS, TEXTS
from transformers import pipeline

from limbeck.runtime import Model

TAGS = {"id2label": LABELS, "label2id": {label: number for number, label in LABELS.items()}}
FAMILIES = [
    "bert",
    pytest.param("roberta", marks=pytest.mark.slow),
    pytest.param("xlm-roberta", marks=pytest.mark.slow),
]
STRATEGIES = ["none", "simple", "first", "average", "max"]


def _peer(task, folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pipeline(task, model=str(folder), tokenizer=str(folder), device="cpu", **options)


def _same(ours, theirs, but=()):
    """Equal but for the last digits of the scores."""
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            _same(mine, other, but)
        return
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        if name in but:
            continue
        assert ours[name] == (pytest.approx(float(value), abs=1e-5) if name == "score" else value), name


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_entities_are_those_of_the_pipeline(family, strategy, export):
    """Who moves a service from transformers to this one finds other entities in the same text."""
    folder = export(family, "ForTokenClassification", **TAGS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the pipeline says that a tokenizer of bytes knows no words
        theirs = _peer("token-classification", folder, aggregation_strategy=strategy, ignore_labels=[])(TEXTS)
        some = _peer("token-classification", folder, aggregation_strategy=strategy)(TEXTS)
    model = Model.load(folder, threads=1)
    # It decodes a word's tokens, and then the words once more, and so cuts letters of several bytes in two.
    but = ("word",) if family != "bert" and strategy in ("first", "average", "max") else ()
    _same(model(TEXTS, aggregation_strategy=strategy, ignore_labels=[]), theirs, but)
    _same(model(TEXTS, aggregation_strategy=strategy), some, but)


@pytest.mark.parametrize("family", FAMILIES)
def test_masked_words_are_those_of_the_pipeline(family, export):
    """A word that is spelt otherwise, or has another probability, is another answer."""
    folder = export(family, "ForMaskedLM")
    peer, model = _peer("fill-mask", folder), Model.load(folder, threads=1)
    mask = peer.tokenizer.mask_token
    texts = [f"Astrid {mask} was born.", f"{mask} in Stockholm", f"The quick {mask}, who {mask} in {mask}."]
    for text in texts:
        _same(model(text), peer(text))
        _same(model(text, top_k=2), peer(text, top_k=2))
    targets = ["was", "fox", "Stockholm"]
    _same(model(texts[0], targets=targets), peer(texts[0], targets=targets))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("changes", [{"num_labels": 3}, {"num_labels": 1, "problem_type": "regression"}])
def test_classes_are_those_of_the_pipeline(family, changes, export):
    """A softmax where transformers takes a sigmoid turns a number into certainty."""
    folder = export(family, "ForSequenceClassification", **changes)
    peer, model = _peer("text-classification", folder, top_k=None), Model.load(folder, threads=1)
    _same(model(TEXTS), peer(TEXTS, truncation=True))
    pairs = [{"text": first, "text_pair": second} for first, second in zip(TEXTS, TEXTS[::-1], strict=True)]
    for pair in pairs[:2]:
        _same(model(pair), peer(pair, truncation=True))
    _same(model(TEXTS[:1], function_to_apply="sigmoid"), peer(TEXTS[:1], function_to_apply="sigmoid"))
    _same(model(TEXTS[:2], top_k=1), peer(TEXTS[:2], top_k=1))
