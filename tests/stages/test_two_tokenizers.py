"""A student with a tokenizer of its own."""

import json
from pathlib import Path

import pytest
import torch
from stage_support import Heard
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertModel

import limbeck
import tiny_tokenizers
from limbeck.corpora.batches import batches_of
from limbeck.corpora.masking import Masking
from limbeck.errors import RecipeError
from limbeck.models.loading import load_model, load_tokenizer, save_model
from limbeck.objectives import AttentionMSE, HiddenCosine, HiddenMSE, RelationalDistances
from limbeck.outlines import Outline
from limbeck.stages import distil
from limbeck.stages.distil import DistilStep
from limbeck.training.config import Training

CORPUS = Outline(makes="corpus", tokens=4_000.0, documents=250)
HIDDEN = [{"kind": "hidden_mse"}, {"kind": "mlm"}]


@pytest.fixture(scope="module")
def folders(tiny, tmp_path_factory) -> dict[str, Path]:
    """By the name of a tokenizer, a BERT of two layers and random weights that has it."""
    texts = tiny.text.read_text("utf-8").splitlines()
    made = {}
    for name in ("roberta", "xlm-roberta", "herbert"):
        tokenizer = tiny_tokenizers.KINDS[name](texts, 330)
        torch.manual_seed(1)
        shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        config = BertConfig(
            vocab_size=len(tokenizer), max_position_embeddings=64, pad_token_id=tokenizer.pad_token_id, **shape
        )
        made[name] = tmp_path_factory.mktemp(name)
        save_model(BertModel(config), tokenizer, made[name])
    return made


def _step(tiny, student, **fields):
    given = {"do": "distil", "teacher": str(tiny.model), "student": str(student), "corpus": "@text", "updates": 3}
    return {**given, "batch": 8, "length": 32, "precision": "float32", "objectives": HIDDEN, **fields}


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("xlm-roberta", "herbert")]


@pytest.mark.parametrize("name", ["roberta", *SLOW])
def test_a_student_of_other_tokens_learns(tiny, text, make_step, folders, name):
    """Without words in common, a student of a better vocabulary learns nothing of the teacher's inside."""
    heard = Heard()
    step = _step(tiny, folders[name], updates=40, learning_rate=3e-3)
    made = make_step(step, {"@text": text}, heard)
    aligned = made.facts["words_aligned"]
    assert aligned["share"] == aligned["shared"] / aligned["words"] > 0.9
    assert f"{aligned['share']:.2%} of {aligned['words']:,} words are aligned" in "\n".join(heard.lines)
    assert "whole words" in "\n".join(heard.lines)
    curve = [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["terms"]["hidden_mse"] < 0.7 * curve[0]["terms"]["hidden_mse"]
    assert curve[-1]["terms"]["mlm"] < curve[0]["terms"]["mlm"]
    probes = [json.loads(line) for line in (made.folder / "probes.jsonl").read_text().splitlines()]
    assert probes[-1]["teacher_cosine"] > probes[0]["teacher_cosine"] + 0.2
    assert "mlm_loss" in probes[-1]
    assert "teacher_mlm_loss" not in probes[-1]
    tokenizer, before = AutoTokenizer.from_pretrained(made.model_folder), AutoTokenizer.from_pretrained(folders[name])
    assert tokenizer.get_vocab() == before.get_vocab()
    assert AutoModelForMaskedLM.from_pretrained(made.model_folder).config.vocab_size == len(tokenizer)
    AutoModel.from_pretrained(made.model_folder, add_pooling_layer=False)


def test_it_ends_the_same_however_often(tiny, text, make_step, folders):
    """What depends on anything but seed, epoch and sample cannot be continued after an interruption."""
    one, two = (make_step(_step(tiny, folders["roberta"]), {"@text": text}) for _ in range(2))
    weights = [AutoModel.from_pretrained(made.model_folder, add_pooling_layer=False) for made in (one, two)]
    for ours, theirs in zip(*(model.parameters() for model in weights), strict=True):
        assert torch.equal(ours, theirs)


def _mean_over_words(model, tokenizer, texts, borders):
    """For each layer the vectors of the words between these borders, by transformers alone; one text at a time."""
    found = []
    for text, border in zip(texts, borders, strict=True):
        encoded = tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        offsets = encoded.pop("offset_mapping")[0].tolist()
        with torch.no_grad():
            hidden = model(**encoded, output_hidden_states=True).hidden_states
        for start, end in border:
            inside = [place for place, (a, b) in enumerate(offsets) if a < b and start <= a and b <= end]
            assert inside
            found.append([layer[0, inside].mean(0) for layer in hidden])
    return [torch.stack(vectors) for vectors in zip(*found, strict=True)]


TEXTS = [
    "the green river carries slowly and never paints.",
    "a story follows the farmer without bread, always.",
    "who keeps the old bridge near the market today?",
    "few children read; many doctors sell small houses.",
]


def _borders(text):
    """Runs of letters, and punctuation by itself: what both tokenizers have borders around."""
    places, start = [], None
    for place, character in enumerate(text + " "):
        if character.isalpha():
            start = place if start is None else start
            continue
        if start is not None:
            places.append((start, place))
            start = None
        if not character.isspace():
            places.append((place, place + 1))
    return places


@pytest.mark.parametrize("same", [True, False])
def test_the_loss_is_that_of_words_averaged_by_hand(tiny, folders, same):
    """Reference: transformers' hidden states, averaged over the words that a regular rule finds.

    With `same`, the student has the teacher's own tokenizer, and yet goes the way of two.
    """
    teacher, theirs = load_model(str(tiny.model)), load_tokenizer(str(tiny.model))
    folder = tiny.model if same else folders["herbert"]
    student, ours = load_model(str(folders["herbert"])), load_tokenizer(str(folder))
    student.resize_token_embeddings(len(ours))
    student.eval()
    layers = [(0, 0), (1, 2), (2, 4)]
    borders = [_borders(text) for text in TEXTS]
    before = _mean_over_words(student, ours, TEXTS, borders), _mean_over_words(teacher, theirs, TEXTS, borders)
    mse = sum((before[0][s] - before[1][t]).square().mean() for s, t in layers) / 3
    cosine = (1 - torch.cosine_similarity(before[0][2], before[1][4], dim=-1)).mean()
    batches = batches_of(TEXTS, ours, batch=4, length=64, masking=Masking(mask=0, random=0, keep=1), teacher=theirs)
    how = Training(updates=1, dropout=False, precision="float32")
    objectives = [HiddenMSE(layers=layers), HiddenCosine(layers=[(2, 4)])]
    terms = limbeck.distil(student, teacher, batches, objectives, how).rows[0]["terms"]
    assert terms["hidden_mse"] == pytest.approx(float(mse), rel=1e-5)
    assert terms["hidden_cosine"] == pytest.approx(float(cosine), rel=1e-5)


def test_layout_and_width_go_by_words_too(tiny, folders):
    """A wider student of other tokens is what a new vocabulary is mostly made for."""
    theirs, ours = load_tokenizer(str(tiny.model)), load_tokenizer(str(folders["roberta"]))
    config = AutoModel.from_pretrained(folders["roberta"], add_pooling_layer=False).config
    config.hidden_size = 16
    batches = batches_of(TEXTS, ours, batch=4, length=64, teacher=theirs)
    objectives = [HiddenMSE(projection="linear"), RelationalDistances()]
    student = BertModel(config, add_pooling_layer=False)
    curve = limbeck.distil(student, load_model(str(tiny.model)), batches, objectives, updates=2)
    assert set(curve.rows[0]["terms"]) == {"loss", "hidden_mse", "relational_distances"}


def test_token_objectives_are_refused_in_memory(tiny, folders):
    """Attention of four tokens cannot be compared with that of five, and a sum over both would be noise."""
    batches = batches_of(
        TEXTS, load_tokenizer(str(folders["roberta"])), batch=4, teacher=load_tokenizer(str(tiny.model))
    )
    student, teacher = load_model(str(folders["roberta"])), load_model(str(tiny.model))
    with pytest.raises(RecipeError, match=r'"attention_mse" compares token .* different tokenizers \(330 and 300\)'):
        limbeck.distil(student, teacher, batches, [AttentionMSE()], updates=1)


def test_plan_says_how_they_are_compared(tiny, folders):
    """Two vocabularies that somebody mixed up by mistake would be aligned without a word."""
    step = DistilStep.parse(_step(tiny, folders["roberta"]), "s")
    notes = distil.outline(step, {"@text": CORPUS}).notes
    assert any(f"{folders['roberta']} (330 tokens) is not that of {tiny.model} (300)" in note for note in notes)
    assert any("whole words; " in note and "the same words from both models" in note for note in notes)
    assert distil.rehearse(step, {"@text": CORPUS}) > 0
    alike = DistilStep.parse(_step(tiny, tiny.model), "s")
    assert not any("aligned" in note for note in distil.outline(alike, {"@text": CORPUS}).notes)


def test_plan_shows_words_that_both_find(tiny, text, folders):
    """A sample in the teacher's tokens would show what the student never reads."""
    step = DistilStep.parse(_step(tiny, folders["roberta"], masking={"mask": 1, "random": 0, "keep": 0}), "s")
    said = distil.preview(step, {"@text": text})
    hidden = [word[1:-1] for word in said.partition("left as it is): ")[2].split() if word.startswith("«")]
    assert hidden
    assert all(word in tiny.text.read_text("utf-8").replace(".", " .").split() for word in hidden)


TOKENWISE = ["soft_labels", "logit_cosine", "attention_mse", "attention_kl"]


@pytest.mark.parametrize("kind", [*TOKENWISE, "relation_kl"])
def test_objectives_on_tokens_are_refused(tiny, folders, kind):
    """Logits of one vocabulary beside those of another: the sizes may even agree."""
    term = {"kind": kind, **({"of": "values"} if kind == "relation_kl" else {})}
    step = DistilStep.parse(_step(tiny, folders["roberta"], objectives=[term]), "s")
    sentence = rf'"{kind}" compares token with token, and the tokenizer of .* \(330 tokens\) is not that of .* \(300\);'
    with pytest.raises(RecipeError, match=sentence + " use hidden_mse, hidden_cosine, relational_distances or"):
        distil.outline(step, {"@text": CORPUS})


def test_pairs_are_refused(tiny, folders):
    """Pairs are cut anew in every epoch, and words are aligned once."""
    objectives = [{"kind": "hidden_mse"}, {"kind": "next_sentence"}]
    step = DistilStep.parse(_step(tiny, folders["roberta"], objectives=objectives), "s")
    with pytest.raises(RecipeError, match=r"next_sentence reads pairs of texts, and .* leave next_sentence out"):
        distil.outline(step, {"@text": CORPUS})


def test_packed_rows_are_refused(tiny, folders):
    """The teacher would read one text a row, and the student several."""
    step = DistilStep.parse(_step(tiny, folders["roberta"], objectives=[{"kind": "hidden_mse"}], pack=True), "s")
    with pytest.raises(
        RecipeError, match=r"`pack` puts several texts into one row, and .*, so set `fill: true` instead"
    ):
        distil.outline(step, {"@text": CORPUS})


def test_a_cache_of_other_tokens_is_refused(tiny, text, make_step, folders):
    """What a cache holds is one vector a token; its words were never written down."""
    cache = {"do": "cache", "teacher": str(tiny.model), "corpus": "@text", "length": 32, "store": {"hidden": [4]}}
    made = make_step(cache, {"@text": text})
    step = _step(tiny, folders["roberta"]) | {"teacher": {"kind": "cached", "from": "@c"}}
    with pytest.raises(
        RecipeError, match=r"@c holds answers on the tokens of its teacher, and .* teacher\.kind: online"
    ):
        make_step(step, {"@c": made, "@text": text})


def test_an_ensemble_still_has_to_teach_with_every_member(tiny, folders):
    """Logits are refused for the tokens, and without them only the first member would be heard."""
    members = {"kind": "ensemble", "members": [str(tiny.model), str(tiny.model)]}
    step = DistilStep.parse(_step(tiny, folders["roberta"]) | {"teacher": members}, "s")
    with pytest.raises(RecipeError, match="the other members would teach nothing"):
        distil.outline(step, {"@text": CORPUS})
