import json

import numpy as np
import pytest
import torch
from stage_support import Heard, step_of
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoTokenizer

import tiny_tokenizers
from limbeck.errors import DataError, LimbeckError, ModelError, RecipeError
from limbeck.models.loading import load_model, load_tokenizer, save_model
from limbeck.outlines import Outline
from limbeck.pipeline.planning import Plan, check
from limbeck.pipeline.recipe import parse_recipe
from limbeck.pipeline.running import run
from limbeck.stages import shrink

SWEDISH = "sjö älg åker huset husen bil bilar bilen skog skogen björn björnar dröm drömmar vinter vintern"
POLISH = "łódź żaba dom domy domek las lasy zima zimowy zimowa góra góry sen senny ćma ćmy ręka ręce"
MODELS = {
    "bert": ("bert", "ForMaskedLM"),
    "roberta": ("roberta", "ForMaskedLM"),
    "herbert": ("bert", "ForPreTraining"),
    "xlm-roberta": ("xlm-roberta", "ForMaskedLM"),
    "deberta": ("deberta-v2", "ForMaskedLM"),
    "albert": ("albert", "ForMaskedLM"),
}


def _sentences(words, count=60):
    import random

    random_ = random.Random(3)
    return [" ".join(random_.choices(words.split(), k=12)) + "." for _ in range(count)]


def _teacher(folder, name):
    """A model of the family that such a tokenizer stands for, with a few more rows than tokens."""
    tokenizer = tiny_tokenizers.KINDS[name](_sentences(SWEDISH) + _sentences(POLISH), 420 if name == "roberta" else 250)
    kind, head = MODELS[name]
    shape = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 24}
    ids = {f"{part}_token_id": getattr(tokenizer, f"{part}_token_id") for part in ("pad", "bos", "eos")}
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer) + 5, max_position_embeddings=80, initializer_range=0.3, **shape, **ids
    )
    torch.manual_seed(0)
    if head == "ForPreTraining":
        from transformers import BertForPreTraining

        model = BertForPreTraining(config)
    else:
        model = AutoModelForMaskedLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    save_model(model, tokenizer, folder)
    return str(folder)


@pytest.fixture(scope="session")
def corpus_of(make_step, tmp_path_factory):
    """Makes a corpus of sentences of these words."""

    def make(words, dev=0.2):
        path = tmp_path_factory.mktemp("words") / "text.txt"
        path.write_text("\n".join(dict.fromkeys(_sentences(words))) + "\n", "utf-8")
        source = {"kind": "text", "path": str(path), "documents": "line"}
        return make_step({"do": "corpus", "sources": [source], "holdout": {"dev": dev}})

    return make


@pytest.fixture(scope="session")
def swedish(corpus_of):
    """Swedish text."""
    return corpus_of(SWEDISH)


@pytest.mark.parametrize("name", MODELS)
def test_every_family_of_tokenizers(name, swedish, make_step, tmp_path):
    """Words that are kept mean what they meant, to whoever loads the folder."""
    source, heard = _teacher(tmp_path / "teacher", name), Heard()
    step = {"do": "shrink", "model": source, "vocabulary": {"corpus": "@sv", "keep_coverage": 0.9}}
    made = make_step(step, {"@sv": swedish}, heard)
    whole, words = AutoModelForMaskedLM.from_pretrained(source).eval(), AutoTokenizer.from_pretrained(source)
    small, fewer = (
        AutoModelForMaskedLM.from_pretrained(made.model_folder).eval(),
        load_tokenizer(str(made.model_folder)),
    )
    facts = made.facts["vocabulary"]
    assert small.config.vocab_size == len(fewer) == facts["tokens"] < facts["tokens_before"] == len(words) + 5
    assert type(AutoTokenizer.from_pretrained(made.model_folder)) is type(words)
    kept = words.convert_tokens_to_ids(fewer.convert_ids_to_tokens(range(len(fewer))))
    sentence = "".join(f" {word}" for word in SWEDISH.split() if _is_covered(f" {word}", words, fewer))
    assert len(sentence.split()) > 5
    before, after = words(sentence, return_tensors="pt"), fewer(sentence, return_tensors="pt")
    assert [kept[number] for number in after["input_ids"][0]] == before["input_ids"][0].tolist()
    with torch.inference_mode():
        expected, found = whole(**before).logits[..., kept], small(**after).logits
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    carried = load_model(str(made.model_folder))  # with both heads, where it is a BERT that has them
    assert made.facts["parameters"] == sum(parameter.numel() for parameter in carried.parameters())
    assert facts["covered"]["@sv"] >= 0.9
    held_out = facts["held_out"]
    assert 0 < held_out["words_affected"] < 0.3
    assert held_out["words_covered"] == 1 - held_out["words_affected"]
    assert max(facts["largest_differences"].values()) <= 1e-5
    assert any("held-out words" in line for line in heard.lines)
    assert any("model's outputs on them differ by" in line for line in heard.lines)


def _is_covered(word, words, fewer):
    return set(words.tokenize(word)) <= fewer.get_vocab().keys()


def test_two_languages(swedish, corpus_of, make_step, tmp_path):
    """A vocabulary for two languages that knows one of them is of no use for the other."""
    source = _teacher(tmp_path / "teacher", "bert")
    inputs = {"@sv": swedish, "@pl": corpus_of(POLISH)}
    step = {"do": "shrink", "model": source}
    both = make_step({**step, "vocabulary": {"corpus": ["@sv", "@pl"], "keep_coverage": 0.99}}, inputs)
    one = make_step({**step, "vocabulary": {"corpus": "@sv", "keep_coverage": 0.99}}, inputs)
    ours, theirs = (set(AutoTokenizer.from_pretrained(made.model_folder).get_vocab()) for made in (both, one))
    assert "vintern" in theirs < ours
    assert {"zimowy", "ł"} <= ours - theirs
    assert min(both.facts["vocabulary"]["covered"].values()) >= 0.99


@pytest.mark.parametrize("amount", [{"keep": 55}, {"megabytes": 0.045}])
def test_a_bound_is_kept(amount, swedish, make_step, tmp_path):
    """A model that must fit into so much memory, and does not, is worthless there."""
    step = {"do": "shrink", "model": _teacher(tmp_path / "t", "bert"), "vocabulary": {"corpus": "@sv", **amount}}
    forecast = shrink.outline(step_of(step), {"@sv": Outline(makes="corpus")})
    made = make_step(step, {"@sv": swedish})
    assert forecast.at_most
    assert made.facts["parameters"] <= forecast.parameters
    if "keep" in amount:
        assert made.facts["vocabulary"]["tokens"] == 55
        assert made.facts["parameters"] == forecast.parameters
        assert (
            forecast.notes[1]
            == "keeps the 55 most frequent tokens of @sv, at most 55: how many is known once it is made"
        )
    else:
        assert 40_000 < 4 * made.facts["parameters"] <= 45_000


def test_layers_and_tokens_at_once(swedish, make_step, tmp_path):
    """The proof has to compare with the model of fewer layers, not with the teacher."""
    source = _teacher(tmp_path / "teacher", "bert")
    vocabulary = {"corpus": "@sv", "keep_coverage": 0.99}
    made = make_step(
        {"do": "shrink", "model": source, "layers": {"keep": 2}, "as": "distilbert", "vocabulary": vocabulary},
        {"@sv": swedish},
    )
    model = AutoModel.from_pretrained(made.model_folder)
    assert (model.config.n_layers, model.config.vocab_size) == (2, made.facts["vocabulary"]["tokens"])


def _trimming(folder, **amount):
    """A step that trims a new BERT to an amount of Swedish."""
    return {"do": "shrink", "model": _teacher(folder / "teacher", "bert"), "vocabulary": {"corpus": "@sv", **amount}}


def test_too_few_tokens_for_the_text(swedish, make_step, tmp_path):
    """Below the characters of the text nothing can be spelt."""
    step = _trimming(tmp_path, keep=20)
    with pytest.raises(DataError, match=r"20 tokens are fewer than the \d+ that have to stay: 5 special tokens"):
        make_step(step, {"@sv": swedish})


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ({"keep": 9999}, r"the model has \d+ tokens and there is room for 9,999, so none would be dropped; keep fewer"),
        ({"megabytes": 50}, r"there is room for [\d,]+, so none would be dropped"),
        ({"megabytes": 0.001}, r"MB without any token; found megabytes: 0\.001, so give more, or cut layers"),
    ],
)
def test_bounds_that_mean_nothing_are_refused_in_the_plan(amount, message, tmp_path):
    """An hour of counting is late to learn that nothing was to be dropped."""
    step = _trimming(tmp_path, **amount)
    with pytest.raises(RecipeError, match=message):
        shrink.outline(step_of(step), {"@sv": Outline(makes="corpus")})


def test_no_text_to_check_on(corpus_of, make_step, tmp_path):
    """A proof on the text that chose the tokens would always pass."""
    step = _trimming(tmp_path, keep=80)
    with pytest.raises(DataError, match=r"@sv holds no text out.*give the corpus a holdout"):
        make_step(step, {"@sv": corpus_of(SWEDISH, dev=0.0)})


def test_a_tokenizer_of_another_model(swedish, make_step, tmp_path):
    """Rows that are not there cannot be kept."""
    source = _teacher(tmp_path / "teacher", "bert")
    more = tiny_tokenizers.bert(_sentences(SWEDISH) + _sentences("".join(chr(n) + " " for n in range(200, 600))), 900)
    more.save_pretrained(source)
    with pytest.raises(ModelError, match=r"the tokenizer has tokens 0 to \d+ and the model only 0 to \d+"):
        make_step({"do": "shrink", "model": source, "vocabulary": {"corpus": "@sv", "keep": 80}}, {"@sv": swedish})


def test_a_failed_proof_stops_the_step(swedish, make_step, tmp_path, monkeypatch):
    """A model whose rows were mixed up has the right shape, and would go on to be a teacher."""
    from limbeck.models import vocabulary

    right = vocabulary.keep_tokens
    monkeypatch.setattr(vocabulary, "keep_tokens", lambda model, kept: _mixed(right(model, kept)))
    step = _trimming(tmp_path, keep=80)
    with pytest.raises(ModelError, match=r"with fewer tokens the model's .* differ by"):
        make_step(step, {"@sv": swedish})


def _mixed(model):
    rows = model.get_input_embeddings().weight
    with torch.no_grad():
        rows.copy_(rows.flip(0))
    return model


def _steps(world):
    soft = [{"kind": "soft_labels", "temperature": 2.0, "positions": "selected"}, {"kind": "mlm"}]
    training = {"updates": 4, "batch": 4, "precision": "float32", "length": 32}
    return {
        "text": world.recipe("text")["steps"]["text"],
        "head": {"do": "pretrain", "model": str(world.model), "corpus": "@text", **training},
        "teacher": {"do": "shrink", "model": "@head", "vocabulary": {"corpus": "@text", "keep_coverage": 0.99}},
        "small": {"do": "shrink", "model": "@teacher", "layers": {"keep": 2}},
        "student": {
            "do": "distil",
            "teacher": "@teacher",
            "student": "@small",
            "corpus": "@text",
            "objectives": soft,
            **training,
        },
    }


@pytest.mark.slow
def test_a_trimmed_teacher_and_its_student(world, tmp_path):
    """Trimmed first, teacher and student agree on their tokens; and the plan says what it does not know yet."""
    recipe = parse_recipe({"name": "tiny", "steps": _steps(world)})
    planned = check(recipe, list(recipe.steps), tmp_path / "tiny")
    before = {step.step: step.outline for step in planned}
    assert [name for name, outline in before.items() if outline.at_most] == ["teacher", "small", "student"]
    assert before["student"].notes[-1] == "an upper bound, as @small and @teacher may turn out smaller"
    table = Plan(recipe="tiny", steps=tuple(planned)).as_text()
    assert [line.split()[0] for line in table.splitlines() if "up to" in line] == ["teacher", "small", "student"]
    result = run(recipe, tmp_path)
    student = AutoModelForMaskedLM.from_pretrained(result.artifacts["student"].model_folder)
    tokens = result.artifacts["teacher"].facts["vocabulary"]["tokens"]
    assert student.config.vocab_size == tokens < before["teacher"].model["vocab_size"]
    after = {step.step: step.outline for step in check(recipe, list(recipe.steps), tmp_path / "tiny")}
    assert not any(outline.at_most for outline in after.values())
    assert after["student"].parameters == result.artifacts["student"].facts["parameters"]
    assert after["small"].parameters == result.artifacts["small"].facts["parameters"] < before["small"].parameters
    assert after["teacher"].model["vocab_size"] == tokens
    assert after["teacher"].disk_bytes < before["teacher"].disk_bytes * 1.2


def test_the_untrimmed_teacher_is_another_vocabulary(world, tmp_path):
    """The numbers of a trimmed student mean other words to a whole teacher."""
    steps = _steps(world)
    steps["student"]["teacher"] = "@head"
    with pytest.raises(
        LimbeckError,
        match=r"compares token with token, and the tokenizer of @small \(\d+ tokens\) is not that of @head",
    ):
        run(parse_recipe({"name": "tiny", "steps": steps}), tmp_path)


def test_the_facts_are_plain(swedish, make_step, tmp_path):
    """The manifest is JSON; a number of NumPy's is not."""
    step = {"do": "shrink", "model": _teacher(tmp_path / "t", "herbert"), "vocabulary": {"corpus": "@sv", "keep": 90}}
    made = make_step(step, {"@sv": swedish})
    assert json.loads(json.dumps(made.facts)) == made.facts
    assert not any(isinstance(value, np.generic) for value in made.facts["vocabulary"].values())
