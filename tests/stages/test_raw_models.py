import json
import math
from collections import Counter

import pytest
import torch
from stage_support import Heard, step_of

import tiny_tokenizers
import tiny_world
from limbeck.corpora.documents import read
from limbeck.errors import DataError, ModelError
from limbeck.models.loading import load_model, load_tokenizer, save_model

LEARNING = {"updates": 60, "batch": 16, "length": 32, "learning_rate": 5e-3, "precision": "float32", "dropout": False}


def _evaluate(data, models, **fields):
    return {"do": "evaluate", "data": data, "models": models, "resamples": 1000, **fields}


def _means(made, metric):
    return {
        row["model"]: row["value"] for row in made.facts["scores"] if row["metric"] == metric and row["seed"] == "mean"
    }


@pytest.fixture(scope="session")
def pretrained(text, folder_of_masks, make_step):
    """A model that knows how frequent each word is, as a step."""
    return make_step({"do": "pretrain", "model": str(folder_of_masks), "corpus": "@text", **LEARNING}, {"@text": text})


@pytest.fixture(scope="session")
def uniform(folder_of_masks, tmp_path_factory):
    """A model that holds every token equally likely, whatever it reads."""
    folder = tmp_path_factory.mktemp("uniform")
    model = load_model(str(folder_of_masks))
    with torch.no_grad():
        for parameter in model.cls.parameters():
            parameter.zero_()
    save_model(model, load_tokenizer(str(folder_of_masks)), folder)
    return folder


def test_equally_likely_tokens_by_hand(uniform, text, make_step):
    """A scale that is off by what a word's pieces count makes every comparison of vocabularies wrong."""
    made = make_step(
        _evaluate({"kind": "masked_text", "corpus": "@text", "turns": 99}, {"one": str(uniform)}), {"@text": text}
    )
    tokenizer = load_tokenizer(str(uniform))
    size = load_model(str(uniform)).config.vocab_size
    assert _means(made, "mlm_loss")["one"] == pytest.approx(math.log(size), abs=1e-5)
    words = [word for document in read(text.folder, "dev") for word in document.text.split()]
    pieces = sum(len(tokenizer(word, add_special_tokens=False)["input_ids"]) for word in words)
    assert _means(made, "pseudo_perplexity")["one"] == pytest.approx(
        math.exp(math.log(size) * pieces / len(words)), rel=1e-4
    )
    assert made.facts["words"] == len(words)
    assert made.facts["words_left_out"] == 0


def test_a_trained_model_beats_an_untrained_one(pretrained, folder_of_masks, text, make_step):
    """Scores that do not tell a model that learned from one that did not are of no use to anybody."""
    data = {"kind": "masked_text", "corpus": "@text"}
    heard = Heard()
    models = {"student": "@pre", "untrained": str(folder_of_masks)}
    made = make_step(_evaluate(data, models, language="en"), {"@text": text, "@pre": pretrained}, heard)
    for metric in ("mlm_loss", "pseudo_perplexity"):
        scores = _means(made, metric)
        assert scores["student"] < scores["untrained"]
    assert _means(made, "mlm_accuracy")["student"] > 0
    rows = made.facts["scores"]
    assert {row["metric"]: row["higher_is_better"] for row in rows} == {
        "pseudo_perplexity": False,
        "mlm_loss": False,
        "mlm_accuracy": True,
    }
    assert all(row["ci95"][0] <= row["value"] <= row["ci95"][1] for row in rows)
    assert {(row["task"], row["data"], row["language"]) for row in rows} == {("masked_text", "text", "en")}
    assert [row["metric"] for row in made.facts["evidence"]] == ["mlm_accuracy"]
    assert [row["metric"] for row in made.facts["contrasts"]] == ["pseudo_perplexity", "mlm_loss"]
    assert all(row["retention"] is None for row in made.facts["contrasts"])
    assert made.facts["models"] == {"student": "student", "untrained": "untrained"}
    assert json.loads((made.folder / "scores.json").read_text("utf-8"))["scores"] == rows
    assert any(line.startswith("student: pseudo_perplexity ") for line in heard.lines)


def test_two_tokenizers_with_the_same_words(tmp_path_factory, text, folder_of_masks, make_step):
    """Perplexity of tokens falls as words are cut into more of them; that of words must not."""
    texts = [document.text for document in read(text.folder, "train")]
    folders = {}
    for name, size in (("whole", 600), ("pieces", 80)):
        tokenizer, model = tiny_tokenizers.bert(texts, size), load_model(str(folder_of_masks))
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        with torch.no_grad():
            for parameter in model.cls.parameters():
                parameter.zero_()
            model.cls.predictions.bias.copy_(_chances(tokenizer, texts))
        folders[name] = tmp_path_factory.mktemp(name)
        save_model(model, tokenizer, folders[name])
    heard, data = Heard(), {"kind": "masked_text", "corpus": "@text", "turns": 9}
    made = make_step(_evaluate(data, {name: str(each) for name, each in folders.items()}), {"@text": text}, heard)
    assert any(line.startswith("the models cut words into other tokens: compare pseudo_perp") for line in heard.lines)
    loss, perplexity = _means(made, "mlm_loss"), _means(made, "pseudo_perplexity")
    assert loss["pieces"] < loss["whole"]
    assert perplexity["pieces"] > perplexity["whole"]


def _chances(tokenizer, texts):
    """Logits of a unigram model."""
    counts = Counter(token for text in texts for token in tokenizer(text, add_special_tokens=False)["input_ids"])
    return torch.tensor([math.log(counts[token] + 0.01) for token in range(len(tokenizer))])


def test_models_without_the_head_are_named(tiny, text, folder_of_masks, make_step):
    """A head of random weights would be scored, and look like a bad model."""
    masked, pairs = ({"kind": kind, "corpus": "@text"} for kind in ("masked_text", "sentence_pairs"))
    with pytest.raises(ModelError, match="bare has no masked-LM head, so it fills no masks; a `pretrain` step"):
        make_step(_evaluate(masked, {"bare": str(tiny.model)}), {"@text": text})
    with pytest.raises(ModelError, match="one has no next-sentence head, so it judges no pairs; a `pretrain` step"):
        make_step(_evaluate(pairs, {"one": str(folder_of_masks)}), {"@text": text})


def test_a_text_that_a_model_does_not_know(text, folder_of_masks, make_step, tmp_path):
    """A score of the tenth of the words that a wrong tokenizer happens to know looks like any other."""
    tokenizer, model = tiny_tokenizers.bert(["1 2 3 4 5 6 7 8 9 0 the a of"] * 9, 60), load_model(str(folder_of_masks))
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    save_model(model, tokenizer, tmp_path)
    step = _evaluate({"kind": "masked_text", "corpus": "@text"}, {"one": str(folder_of_masks), "other": str(tmp_path)})
    with pytest.raises(DataError, match=r"only \d+ are known to every model \(one 0, other \d+ unknown"):
        make_step(step, {"@text": text})


def test_pairs_are_judged(stories, folder_of_pairs, make_step):
    """Of a head that was never trained chance is to be expected, with an interval that says so."""
    step = _evaluate({"kind": "sentence_pairs", "corpus": "@stories"}, {"one": str(folder_of_pairs)})
    made = make_step(step, {"@stories": stories})
    (row,) = [row for row in made.facts["scores"] if row["seed"] == "mean"]
    assert row["metric"] == "next_sentence_accuracy"
    assert 0.2 < row["value"] < 0.8
    assert made.facts["examples"] >= 20
    assert made.facts["evidence"][0]["baseline"] == 0.5


@pytest.fixture(scope="session")
def said(tmp_path_factory):
    """Pairs of sentences with the number of words that they share, and questions in the words of their paragraph."""
    import random

    folder, random_ = tmp_path_factory.mktemp("said"), random.Random(8)
    lines, articles = ["a\tb\tshared"], []
    for _ in range(60):
        words = random_.choices(tiny_world.WORDS, k=8)
        kept = random_.randint(0, 8)
        other = words[:kept] + random_.choices(tiny_world.WORDS, k=8 - kept)
        lines.append(f"{' '.join(words)}\t{' '.join(other)}\t{kept}")
        answer = {"text": words[0], "answer_start": 0}
        question = {"id": str(len(articles)), "question": " ".join(words[:6]), "answers": [answer]}
        articles.append({"title": "t", "paragraphs": [{"context": " ".join(words), "qas": [question]}]})
    (folder / "pairs.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "questions.json").write_text(json.dumps({"data": articles}), "utf-8")
    return folder


def test_likeness(said, tiny, make_step):
    """The vectors of texts are what search and clustering are made of."""
    columns = {"text": "a", "pair": "b", "label": "shared"}
    data = {"kind": "similarity", "test": str(said / "pairs.tsv"), "columns": columns}
    made = make_step(_evaluate(data, {"one": str(tiny.model)}))
    assert _means(made, "cosine_spearman")["one"] > 0.5
    assert _means(made, "cosine_pearson")["one"] > 0.5
    assert {row["data"] for row in made.facts["scores"]} == {"pairs"}


def test_retrieval(said, tiny, make_step):
    """The place of a question's own paragraph is what a search is judged by."""
    data = {"kind": "retrieval", "test": str(said / "questions.json")}
    made = make_step(_evaluate(data, {"one": str(tiny.model)}))
    first, mean = _means(made, "retrieval_at_1")["one"], _means(made, "retrieval_mrr")["one"]
    assert 0.5 < first <= mean <= 1
    assert made.facts["evidence"][0]["baseline"] == pytest.approx(1 / 60)


def test_a_step_with_several_models_under_one_name(pretrained, text, make_step):
    """Models of one training with several seeds are one row with a spread, as fine-tuned ones are."""
    data = {"kind": "masked_text", "corpus": "@text", "metrics": ["pseudo_perplexity"]}
    made = make_step(
        _evaluate(data, {"student": ["@one", "@two"]}), {"@text": text, "@one": pretrained, "@two": pretrained}
    )
    assert [row["seed"] for row in made.facts["scores"]] == [0, 1, "mean"]


def test_fine_tuned_models_are_still_asked_for():
    """A raw model on a tagger's test set would be scored with a head made up at random."""
    with pytest.raises(ValueError, match="should refer to an earlier step"):
        step_of({"do": "evaluate", "models": {"one": "org/model"}})
    step = step_of(_evaluate({"kind": "masked_text", "corpus": "@text"}, {"one": "@pre"}))
    assert step.models["one"].kinds == ("model", "members")
    assert step_of({"do": "evaluate", "models": {"one": "@pre"}}).models["one"].kinds == ("members",)
