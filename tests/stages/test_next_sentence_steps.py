"""BERT's second head through the steps: carried along, frozen, trained, made, left out, refused."""

import json

import pytest
import torch
from stage_support import Heard
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, AutoTokenizer, BertForNextSentencePrediction

from limbeck.errors import DataError, ModelError, RecipeError
from limbeck.models.loading import load_model
from limbeck.models.next_sentence import with_next_sentence_head
from limbeck.objectives import NextSentence
from limbeck.outlines import Outline
from limbeck.signals import Batch
from limbeck.stages import distil, pretrain, shrink
from limbeck.stages.distil import DistilStep
from limbeck.stages.finetune import FinetuneStep
from limbeck.stages.pretrain import PretrainStep
from limbeck.stages.shrink import ShrinkStep

CORPUS = Outline(makes="corpus", tokens=4_000.0, documents=250)
PAIRS = {"kind": "next_sentence"}
HALF = {"layers": {"keep": "half"}}


def _distil(teacher, **fields):
    given = {"do": "distil", "teacher": str(teacher), "corpus": "@text", "updates": 3, "batch": 8, "length": 32}
    return {**given, "student": HALF, "objectives": [{"kind": "hidden_mse"}], "precision": "float32", **fields}


def _pretrain(model, **fields):
    given = {"do": "pretrain", "model": str(model), "corpus": "@text", "updates": 3, "batch": 8, "length": 32}
    return {**given, "next_sentence": True, "precision": "float32", **fields}


def _heads(model):
    return {name: value for name, value in model.state_dict().items() if name.startswith(("cls.", "bert.pooler."))}


@pytest.fixture
def encoded(tiny):
    """Two pairs of sentences."""
    tokenizer = AutoTokenizer.from_pretrained(tiny.model)
    ids = [[2, *tokenizer("the house")["input_ids"][1:], *tokenizer(text)["input_ids"][1:]] for text in ("a", "the")]
    ids_BT = torch.tensor(ids)
    types_BT = torch.zeros_like(ids_BT)
    types_BT[:, -2:] = 1
    return {"input_ids": ids_BT, "token_type_ids": types_BT}


def test_a_student_of_all_layers_is_its_teacher(folder_of_pairs, make_step, encoded):
    """Surgery that keeps every layer and still answers otherwise has lost something on the way."""
    made = make_step({"do": "shrink", "model": str(folder_of_pairs), "layers": {"keep": 4}})
    for kind in (AutoModelForPreTraining, AutoModelForMaskedLM, BertForNextSentencePrediction):
        teacher, student = (kind.from_pretrained(folder) for folder in (folder_of_pairs, made.model_folder))
        for theirs, ours in zip(teacher(**encoded).values(), student(**encoded).values(), strict=True):
            assert torch.equal(theirs, ours)
    outline = shrink.outline(ShrinkStep.parse({"model": str(folder_of_pairs), "layers": {"keep": 4}}, "s"), {})
    assert outline.parameters == made.facts["parameters"] == made.facts["parameters_before"]


def test_heads_that_nothing_reads_come_along_frozen(folder_of_pairs, text, make_step):
    """A student whose heads moved without a loss over them judges pairs by noise."""
    heard = Heard()
    made = make_step(_distil(folder_of_pairs), {"@text": text}, heard)
    teacher, student = (AutoModelForPreTraining.from_pretrained(f) for f in (folder_of_pairs, made.model_folder))
    assert made.facts["frozen"] == ["mlm", "next sentence", "pooler"]
    assert "frozen: mlm, next sentence, pooler" in heard.lines
    kept = _heads(teacher)
    for name, value in _heads(student).items():
        if "decoder.weight" not in name:  # shares the word embeddings, which are trained
            assert torch.equal(value, kept[name]), name
    notes = distil.outline(DistilStep.parse(_distil(folder_of_pairs), "s"), {"@text": CORPUS}).notes
    assert "frozen: mlm, next sentence, pooler" in notes


def test_a_distillation_that_judges_pairs_trains_that_head(folder_of_pairs, stories, make_step):
    """A pooler left frozen would read the student's layers as if they were the teacher's."""
    step = _distil(folder_of_pairs, objectives=[{"kind": "hidden_mse"}, PAIRS])
    made = make_step(step, {"@text": stories})
    teacher, student = (AutoModelForPreTraining.from_pretrained(f) for f in (folder_of_pairs, made.model_folder))
    assert made.facts["frozen"] == ["mlm"]
    moved = {name for name, value in _heads(student).items() if not torch.equal(value, _heads(teacher)[name])}
    assert {"bert.pooler.dense.weight", "cls.seq_relationship.weight"} <= moved
    assert not any("transform" in name for name in moved)
    curve = [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]
    assert set(curve[0]["terms"]) == {"hidden_mse", "next_sentence"}
    assert "held_out" in curve[-1]


def test_a_student_gets_the_head_that_its_objectives_read(tiny, stories, make_step):
    """A head made up beside it and never trained would pass for one that fills masks."""
    step = _distil(tiny.model, objectives=[{"kind": "hidden_mse"}, PAIRS])
    made = make_step(step, {"@text": stories})
    assert type(load_model(str(made.model_folder))).__name__ == "BertForNextSentencePrediction"
    outline = distil.outline(DistilStep.parse(step, "s"), {"@text": CORPUS})
    assert outline.model["architectures"] == ["BertForNextSentencePrediction"]
    assert outline.parameters == made.facts["parameters"]
    assert distil.rehearse(DistilStep.parse(step, "s"), {"@text": CORPUS}) > 0


def test_pretraining_gives_a_model_both_heads(tiny, stories, make_step):
    """A head that is made and not trained judges pairs by its random start."""
    step = _pretrain(tiny.model)
    made = make_step(step, {"@text": stories})
    model = load_model(str(made.model_folder))
    assert type(model).__name__ == "BertForPreTraining"
    start = with_next_sentence_head(load_model(str(tiny.model))).cls.seq_relationship
    assert not torch.equal(model.cls.seq_relationship.weight, start.weight)
    assert not torch.equal(model.cls.seq_relationship.bias, start.bias)
    assert made.facts["frozen"] == []
    outline = pretrain.outline(PretrainStep.parse(step, "s"), {"@text": CORPUS})
    assert outline.parameters == made.facts["parameters"]
    assert "a next-sentence head is made" in outline.notes
    assert "1 x mlm + 1 x next_sentence" in outline.notes[0]
    assert pretrain.rehearse(PretrainStep.parse(step, "s"), {"@text": CORPUS}) > 0


def test_pretraining_on_masks_alone_keeps_the_other_head(folder_of_pairs, text, make_step):
    """The control of a distillation should end with the heads that the student ends with."""
    heard = Heard()
    made = make_step(_pretrain(folder_of_pairs, next_sentence=False), {"@text": text}, heard)
    before, after = (AutoModelForPreTraining.from_pretrained(f) for f in (folder_of_pairs, made.model_folder))
    assert torch.equal(before.cls.seq_relationship.weight, after.cls.seq_relationship.weight)
    assert "frozen: next sentence, pooler" in heard.lines
    step = PretrainStep.parse(_pretrain(folder_of_pairs, next_sentence=False), "s")
    assert "frozen: next sentence, pooler" in pretrain.outline(step, {"@text": CORPUS}).notes


def test_a_distilbert_leaves_the_head_behind_and_says_so(folder_of_pairs, make_step):
    """A head that disappears without a word is missed by whoever wanted it."""
    heard, step = Heard(), {"do": "shrink", "model": str(folder_of_pairs), "as": "distilbert"}
    made = make_step(step, {}, heard)
    sentence = "the next-sentence head is left out: a DistilBERT has no pooler, which that head reads"
    assert sentence in heard.lines
    outline = shrink.outline(ShrinkStep.parse(step, "s"), {})
    assert sentence in outline.notes
    assert outline.model["architectures"] == ["DistilBertForMaskedLM"]
    assert outline.parameters == made.facts["parameters"]
    cut = distil.outline(
        DistilStep.parse(_distil(folder_of_pairs, student={"as": "distilbert"}), "s"), {"@text": CORPUS}
    )
    assert sentence in cut.notes


def test_a_teacher_of_both_heads_teaches_a_distilbert(folder_of_pairs, text, make_step):
    """Its masked-LM logits are what the published method reads, and most published BERTs have both heads."""
    fields = _distil(folder_of_pairs, method="distilbert", batch=4, accumulate=2)
    made = make_step(
        {name: value for name, value in fields.items() if name not in ("objectives", "student")}, {"@text": text}
    )
    assert type(load_model(str(made.model_folder))).__name__ == "DistilBertForMaskedLM"


def test_a_discriminator_teaches_layers_and_no_masks(tiny, text, make_step, tmp_path):
    """ELECTRA's published discriminators have scores of two classes, which are no words."""
    import transformers

    tokenizer = AutoTokenizer.from_pretrained(tiny.model)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    config = transformers.ElectraConfig(vocab_size=len(tokenizer), embedding_size=8, **shape)
    transformers.ElectraForPreTraining(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    made = make_step(_distil(tmp_path), {"@text": text})
    assert type(load_model(str(made.model_folder))).__name__ == "ElectraModel"
    outline = distil.outline(DistilStep.parse(_distil(tmp_path), "s"), {"@text": CORPUS})
    assert outline.parameters == made.facts["parameters"]
    step = DistilStep.parse(_distil(tmp_path, objectives=[{"kind": "soft_labels"}]), "s")
    with pytest.raises(RecipeError, match="has neither a masked-LM head nor a classifier of tokens"):
        distil.outline(step, {"@text": CORPUS})


def test_what_cannot_judge_pairs_is_refused(folder_of_pairs, teacher_tags, text, make_step):
    """Each would otherwise fail after everything was loaded, or train on what is no pair."""
    both = [{"kind": "hidden_mse"}, PAIRS]
    step = DistilStep.parse(_distil(folder_of_pairs, student={"as": "distilbert"}, objectives=both), "s")
    with pytest.raises(ModelError, match='type "distilbert" has no place for a next-sentence head'):
        distil.outline(step, {"@text": CORPUS})
    tags = {"kind": "soft_labels", "positions": "all"}
    step = DistilStep.parse(_distil(teacher_tags.model_folder, objectives=[tags, PAIRS]), "s")
    with pytest.raises(RecipeError, match="next_sentence needs a student that judges pairs of texts; leave next_sent"):
        distil.outline(step, {"@text": CORPUS})
    with pytest.raises(RecipeError, match="the examples of a task are no such pairs"):
        FinetuneStep.parse({"model": "m", "data": {"kind": "iob", "train": "a"}, "objectives": [PAIRS]}, "s")
    with pytest.raises(DataError, match=r"0 of \d+ documents have two paragraphs or more"):
        make_step(_pretrain(folder_of_pairs), {"@text": text})


def test_a_model_at_hand_without_the_head_is_refused(tiny):
    """In memory nobody made the head; what to do is a sentence away."""
    ids = torch.randint(5, 60, (4, 12))
    pairs = Batch(ids, torch.ones_like(ids), pair_labels=torch.tensor([0, 1, 0, 1]))
    model = load_model(str(tiny.model))
    with pytest.raises(ModelError, match=r"BertModel has no next-sentence head.*with_next_sentence_head in Python"):
        distil.distil(model, model, lambda update: [pairs], [NextSentence()], updates=1)
