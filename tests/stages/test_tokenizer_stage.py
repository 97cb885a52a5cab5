import json

import pytest
from stage_support import Heard
from transformers import AutoTokenizer

from limbeck.errors import DataError, ModelError
from limbeck.models.loading import load_tokenizer
from limbeck.outlines import Outline
from limbeck.stages import tokenizer
from limbeck.stages.tokenizer import TokenizerStep

CORPUS = {"@text": Outline(makes="corpus")}
FAMILIES = {
    "wordpiece": "BertTokenizer",
    "byte_bpe": "RobertaTokenizer",
    "character_bpe": "HerbertTokenizer",
    "unigram": "XLMRobertaTokenizer",
}


def _step(**fields):
    return {"do": "tokenizer", "corpus": "@text", "vocabulary": 400, **fields}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_that_loads_everywhere(text, make_step, family):
    """A tokenizer that only Limbeck can read goes with no model."""
    made = make_step(_step(family=family), {"@text": text})
    loaded = AutoTokenizer.from_pretrained(made.model_folder)
    assert type(loaded).__name__ == made.facts["class"] == FAMILIES[family]
    assert len(loaded) == made.facts["vocabulary"] <= 400
    assert [path.name for path in sorted(made.model_folder.iterdir())] == ["tokenizer.json", "tokenizer_config.json"]
    row = made.facts["fertility"][0]
    assert (row["tokenizer"], row["vocabulary"]) == ("tokenizer", len(loaded))
    assert row["words_known"] == row["characters_known"] == 1.0
    assert 1 <= row["tokens_per_word"] < 3


def test_a_run_made_again_has_the_same_files(text, make_step):
    """A step whose files differ from run to run cannot be checked by anybody."""
    made = [make_step(_step(family="unigram", seed=seed), {"@text": text}) for seed in (1, 2)]
    assert made[0].manifest.files == made[1].manifest.files


def test_compared_with_others_on_the_same_text(tiny, text, make_step):
    """Fertility means something beside another tokenizer's, and on text that neither has seen."""
    heard = Heard()
    first = make_step(_step(family="byte_bpe"), {"@text": text})
    inputs = {"@text": text, "@first": first}
    made = make_step(_step(family="wordpiece", compare=["@first", str(tiny.model)]), inputs, heard)
    rows = made.facts["fertility"]
    assert [row["tokenizer"] for row in rows] == ["tokenizer", "@first", str(tiny.model)]
    assert len({row["words"] for row in rows}) == 1
    alone = first.facts["fertility"][0]
    assert {**rows[1], "tokenizer": ""} == {**alone, "tokenizer": ""}
    assert any(line.startswith("@first: ") and "of the words split" in line for line in heard.lines)


def test_a_model_s_tokenizer_is_trained_anew(tiny, text, make_step):
    """What a model's configuration says of special tokens has to be true of a tokenizer made like its own."""
    made = make_step(_step(like=str(tiny.model), vocabulary=None), {"@text": text})
    before, after = load_tokenizer(str(tiny.model)), load_tokenizer(str(made.model_folder))
    assert type(after) is type(before)
    assert after.special_tokens_map == before.special_tokens_map
    assert len(after) <= len(before)


def test_a_class_that_reads_otherwise_is_refused(text, make_step, monkeypatch):
    """A model trained with one tokenizer and used with another is wrong everywhere, and says so nowhere."""
    from limbeck.tokenizers import learning

    def other(blank, texts, size, **settings):
        document = json.loads(learning_learn(blank, texts, size, **settings))
        document["normalizer"] = {"type": "Replace", "pattern": {"String": "a"}, "content": "o"}
        return json.dumps(document)

    learning_learn = learning.learn
    monkeypatch.setattr(learning, "learn", other)
    with pytest.raises(ModelError, match=r"as HerbertTokenizer, which reads .* otherwise than it was trained to"):
        make_step(_step(family="character_bpe"), {"@text": text})


def test_a_corpus_without_held_out_text(tiny, make_step):
    """A comparison on text that was trained on flatters the tokenizer; without one the step still makes its own."""
    source = {"kind": "text", "path": str(tiny.text), "documents": "line"}
    whole = make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0}})
    heard = Heard()
    made = make_step(_step(family="wordpiece"), {"@text": whole}, heard)
    assert "fertility" not in made.facts
    assert any("holds no text out" in line for line in heard.lines)
    with pytest.raises(DataError, match=r"@text holds no text out, .* or leave compare out"):
        make_step(_step(family="wordpiece", compare=[str(tiny.model)]), {"@text": whole})


def test_a_vocabulary_that_the_text_does_not_fill(text, make_step):
    """Fewer words than asked for are no error, and no secret."""
    heard = Heard()
    made = make_step(_step(family="wordpiece", vocabulary=None), {"@text": text}, heard)
    assert made.facts["vocabulary"] < 1000
    assert any("the text gave no more of 30,522" in line for line in heard.lines)


def test_outline_says_what_is_known(tiny):
    """A model's size depends on its words, so plan has to know how many there can be."""
    step = TokenizerStep.parse(_step(family="character_bpe", vocabulary=None, compare=[str(tiny.model)]), "tok")
    made = tokenizer.outline(step, CORPUS)
    assert (made.makes, made.vocabulary, made.at_most) == ("tokenizer", 50_000, True)
    assert made.notes == (
        "character BPE, as HerBERT has, at most 50,000 tokens, trained on the text of @text",
        f"compared with {tiny.model} on held-out text",
    )
    like = TokenizerStep.parse(_step(like="@first", vocabulary=None), "tok")
    assert tokenizer.outline(like, {**CORPUS, "@first": made}).vocabulary == 50_000
    own = TokenizerStep.parse(_step(like=str(tiny.model), vocabulary=None), "tok")
    assert tokenizer.outline(own, CORPUS).vocabulary == len(load_tokenizer(str(tiny.model)))


def test_a_change_of_a_model_makes_the_step_run_again(tiny):
    """A comparison with a tokenizer that has changed since would be an old one."""
    step = TokenizerStep.parse(_step(family="wordpiece", compare=[str(tiny.model), "@first"]), "tok")
    assert len(step.outside()) == 1
    assert TokenizerStep.parse(_step(family="wordpiece"), "tok").outside() is None


@pytest.mark.slow
def test_polish_is_cut_less_by_its_own_tokens(shared_data, make_step):
    """The figure that the step exists for: on Polish text Polish tokens have to beat those of Swedish."""
    tokens = {}
    for language in ("pl", "sv"):
        source = {"kind": "text", "path": str(shared_data / "text" / f"{language}_eltec.txt.gz")}
        made = make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0.05}})
        inputs = {"@text": made, **({"@pl": tokens["pl"]} if tokens else {})}
        compare = ["@pl"] if tokens else []
        tokens[language] = make_step(_step(family="character_bpe", vocabulary=4000, compare=compare), inputs)
    own, polish = tokens["sv"].facts["fertility"]
    assert own["tokens_per_word"] < 0.7 * polish["tokens_per_word"]
    assert own["words_split"] < polish["words_split"]
    assert own["words_known"] > 0.999
