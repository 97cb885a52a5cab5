import json
import shutil

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForTokenClassification, AutoTokenizer

from limbeck.corpora.batches import TextBatches
from limbeck.errors import ModelError, RecipeError, TrainingError
from limbeck.models.counting import shape_of
from limbeck.models.loading import load_model, load_tokenizer, save_model
from limbeck.models.observing import observe
from limbeck.models.surgery import keep_layers
from limbeck.objectives import MLM, AttentionKL, AttentionMSE, HiddenMSE, RelationKL, SoftLabels, preset
from limbeck.objectives.presets import preset_names
from limbeck.objectives.weights import WeightSchedule
from limbeck.outlines import Outline
from limbeck.signals import Batch, Outputs
from limbeck.stages import distil
from limbeck.stages.distil import DistilStep
from limbeck.teachers import Ensemble, Online
from limbeck.training.config import Training
from limbeck.workspace import Workspace, temporary_workspace
from tiny_encoders import FAMILIES, model_of

HALF = {"layers": {"keep": "half"}}
LIGHT = [HiddenMSE(), AttentionMSE()]
HEADS = (
    "cls.predictions.transform",
    "lm_head.dense",
    "generator_predictions",
    "head.",
    "final_norm",
    "vocab_transform",
)
CORPUS = Outline(makes="corpus", tokens=4_000.0, documents=250)


def _step(teacher, **fields):
    given = {"do": "distil", "teacher": str(teacher), "corpus": "@text", "updates": 3, "batch": 8, "length": 32}
    return {**given, "method": "lightmbert", **fields}


def _model(family, head="", **changes):
    """All layers attend globally, which attention objectives ask for."""
    own = {"global_attn_every_n_layers": 1, "local_attention": 64} if family == "modernbert" else {}
    return model_of(family, head, **{**own, "pad_token_id": 0, **changes}).train()


def _batches(update):
    generator = torch.Generator().manual_seed(update)
    ids = torch.randint(5, 60, (4, 12), generator=generator)
    labels = torch.where(torch.rand(ids.shape, generator=generator) < 0.3, ids, -100)
    return [Batch(ids, torch.ones_like(ids), labels)]


def test_a_preset_is_filled_in_and_gives_way():
    """A method that overrules the recipe cannot be varied; one that fills in nothing is only a name."""
    step = DistilStep.parse({"teacher": "t", "corpus": "@c", "method": "lightmbert", "updates": 5, "batch": 2}, "s")
    assert (step.batch, step.length, step.freeze_embeddings) == (2, 512, True)
    assert [objective.kind for objective in step.objectives] == ["hidden_mse", "attention_mse"]


def test_the_student_learns_and_the_embeddings_stay(tiny, text, make_step):
    """Frozen embeddings that move would no longer be the teacher's; a loss that stays teaches nothing."""
    made = make_step(_step(tiny.model, updates=40, learning_rate=2e-3, precision="float32"), {"@text": text})
    student, teacher = load_model(str(made.model_folder)), load_model(str(tiny.model))
    before, after = teacher.get_input_embeddings().weight, student.get_input_embeddings().weight
    assert torch.equal(before, after)
    assert student.config.num_hidden_layers == 2
    assert not torch.equal(teacher.encoder.layer[1].output.dense.weight, student.encoder.layer[1].output.dense.weight)
    curve = [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["held_out"] < 0.8 * next(row["held_out"] for row in curve if "held_out" in row)
    assert made.facts["frozen"][0] == "embeddings"
    assert made.facts["updates"] == 40
    assert made.facts["precision"] == "float32"
    AutoModel.from_pretrained(made.model_folder, add_pooling_layer=False)
    assert AutoTokenizer.from_pretrained(made.model_folder)("house")["input_ids"]


def test_the_cost_is_recorded_as_it_was_forecast(tiny, text, make_step):
    """A forecast in other units than the account cannot be checked by it."""
    made = make_step(_step(tiny.model), {"@text": text})
    outline = distil.outline(DistilStep.parse(_step(tiny.model), "s"), {"@text": CORPUS})
    assert made.facts["flops"] / made.facts["tokens"] == pytest.approx(outline.flops / outline.tokens, rel=0.05)


def test_a_head_that_nothing_reads_still_fills_masks(folder_of_masks, text, make_step):
    """A student whose head is lost or trained by noise can no longer be used as its teacher was."""
    made = make_step(_step(folder_of_masks, precision="float32", freeze_embeddings=False), {"@text": text})
    teacher, student = (AutoModelForMaskedLM.from_pretrained(folder) for folder in (folder_of_masks, made.model_folder))
    assert "mlm" in made.facts["frozen"]
    for name, parameter in student.cls.named_parameters():
        if "decoder.weight" not in name:
            assert torch.equal(parameter, teacher.cls.get_parameter(name)), name
    assert student.cls.predictions.decoder.weight is student.get_input_embeddings().weight
    tokenizer = AutoTokenizer.from_pretrained(made.model_folder)
    encoded = tokenizer(f"the {tokenizer.mask_token} house", return_tensors="pt")
    assert student(encoded["input_ids"]).logits.shape[-1] == len(tokenizer)


TAGS = {"kind": "soft_labels", "positions": "all", "temperature": 1}


def test_a_tagger_teaches_its_tags_on_plain_text(teacher_tags, text, make_step):
    """Without it, all that a fine-tuned teacher knows about unmarked text reaches the student by its layers alone."""
    half = {"layers": {"keep": "half"}}
    fields = {"method": None, "objectives": [TAGS], "student": half, "updates": 60, "learning_rate": 2e-3}
    made = make_step(_step("@t", **fields, precision="float32"), {"@t": teacher_tags, "@text": text})
    student = AutoModelForTokenClassification.from_pretrained(made.model_folder)
    teacher = AutoModelForTokenClassification.from_pretrained(teacher_tags.model_folder)
    assert student.config.id2label == teacher.config.id2label
    assert student.config.num_hidden_layers == 2
    assert not torch.equal(student.classifier.weight, teacher.classifier.weight)
    assert made.facts["frozen"] == []
    curve = [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["held_out"] < 0.2 * curve[0]["loss"]


def test_tags_cost_no_projection_on_the_vocabulary(teacher_tags):
    """A forecast that counts a vocabulary for nine tags would send the user to rent a machine."""
    half = {"student": {"layers": {"keep": "half"}}, "teacher": str(teacher_tags.model_folder)}
    plain, tags = (
        distil.outline(DistilStep.parse({**_step(""), **half, **fields}, "s"), {"@text": CORPUS})
        for fields in ({}, {"method": None, "objectives": [TAGS]})
    )
    assert tags.flops == plain.flops


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"student": "headless"}, "tags tokens, and the student has no classifier of the same labels; cut the student"),
        ({"objectives": [TAGS, {"kind": "mlm"}]}, "mlm needs a student that fills masks; leave mlm out"),
        ({"objectives": [{"kind": "soft_labels"}]}, "the tags of masked words only; set positions: all"),
    ],
)
def test_tags_that_cannot_be_compared_are_refused(tiny, teacher_tags, fields, sentence):
    """A classifier of other labels, or a vocabulary, beside tags would give a loss that means nothing."""
    half = {"layers": {"keep": "half"}}
    given = {"method": None, "objectives": [TAGS], "student": half, **fields}
    if given["student"] == "headless":
        given["student"] = str(tiny.model)
    step = DistilStep.parse(_step(teacher_tags.model_folder, **given), "s")
    with pytest.raises(RecipeError, match=sentence):
        distil.outline(step, {"@text": CORPUS})


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", preset_names())
def test_every_preset_trains_in_both_precisions(folder_of_masks, text, make_step, name, precision):
    """What fails only in the format that `auto` picks on other machines fails on the user's."""
    fields = {"method": name, "batch": 4, "accumulate": 2, "precision": precision}
    if name == "minilmv2":
        fields["objectives"] = [{**term, "heads": 8} for term in preset(name)["objectives"]]
    made = make_step(_step(folder_of_masks, **fields), {"@text": text})
    assert made.facts["precision"] == precision
    assert 0 < made.facts["final"]["loss"] < 100


def test_a_student_gets_the_head_that_its_objectives_read(tiny, text, make_step):
    """Masked language modelling beside matching would fail after everything was loaded, for want of a head."""
    objectives = [{"kind": "hidden_mse"}, {"kind": "mlm"}]
    step = _step(tiny.model, objectives=objectives, freeze_embeddings=False)
    made = make_step(step, {"@text": text})
    AutoModelForMaskedLM.from_pretrained(made.model_folder)
    outline = distil.outline(DistilStep.parse(step, "s"), {"@text": CORPUS})
    assert outline.model["architectures"] == ["BertForMaskedLM"]
    assert outline.parameters == made.facts["parameters"]


@pytest.mark.parametrize("head", ["", "ForMaskedLM"])
@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_audit_passes_for_every_family(family, freeze, head):
    """A head, a final norm or a projection that the loss does not reach would stop every training of a family."""
    teacher = _model(family, head)
    student = keep_layers(teacher, [1, 2])
    before = {name: value.clone() for name, value in student.state_dict().items()}
    distil.distil(student, teacher, _batches, LIGHT, Training(updates=2), freeze_embeddings=freeze)
    assert all(parameter.requires_grad for parameter in student.parameters())
    moved = {name for name, value in student.state_dict().items() if not torch.equal(value, before[name])}
    assert any("layer" in name for name in moved)
    assert any("embed" in name and "rel_" not in name for name in moved) != freeze
    assert not any(name.startswith(HEADS) for name in moved)


def test_logits_train_what_hidden_states_do_not():
    """ModernBERT's final norm and the head are read where logits are: left frozen they would never learn."""
    teacher = _model("modernbert", "ForMaskedLM")
    student = keep_layers(teacher, [1, 2])
    before = student.model.final_norm.weight.clone(), student.head.dense.weight.clone()
    distil.distil(student, teacher, _batches, [SoftLabels(), MLM()], updates=2)
    assert not torch.equal(student.model.final_norm.weight, before[0])
    assert not torch.equal(student.head.dense.weight, before[1])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_deberta_goes_through_the_step(tiny, text, make_step, tmp_path, precision):
    """An architecture that attends in its own way must not fail after an hour, nor cost other than was forecast."""
    tokenizer = load_tokenizer(str(tiny.model))
    save_model(_model("deberta-v2", vocab_size=len(tokenizer)), tokenizer, tmp_path)
    kinds = ("hidden_mse", "attention_mse", "attention_kl", "mlm")
    relations = [{"kind": "relation_kl", "of": of, "heads": 8} for of in ("queries", "keys", "values")]
    objectives = [*({"kind": kind} for kind in kinds), *relations]
    step = _step(tmp_path, objectives=objectives, precision=precision, length=32)
    outline = distil.outline(DistilStep.parse(step, "s"), {"@text": CORPUS})
    made = make_step(step, {"@text": text})
    student = AutoModelForMaskedLM.from_pretrained(made.model_folder)
    assert student.config.num_hidden_layers == 2
    assert outline.parameters == made.facts["parameters"] == sum(p.numel() for p in student.parameters())
    assert distil.rehearse(DistilStep.parse(step, "s"), {"@text": CORPUS}) > 0


def _ensemble(*members):
    return {"kind": "ensemble", "members": list(members)}


SOFT = {"method": None, "objectives": [{"kind": "soft_labels"}, {"kind": "hidden_mse"}], "precision": "float32"}


@pytest.fixture(scope="module")
def wider_masks(folder_of_masks, tmp_path_factory):
    """A model that fills masks, wider and shallower than the usual one, with its tokenizer."""
    folder, tokenizer = tmp_path_factory.mktemp("wide"), AutoTokenizer.from_pretrained(folder_of_masks)
    shape = {"hidden_size": 48, "num_hidden_layers": 3, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    save_model(_model("bert", "ForMaskedLM", **shape), tokenizer, folder)
    return folder


def test_two_teachers_of_other_shapes_teach_together(folder_of_masks, wider_masks, text, make_step):
    """A second teacher that the plan does not count is a training of twice the time that was promised."""
    members = _ensemble({"model": str(folder_of_masks), "weight": 3}, str(wider_masks))
    half = {"layers": {"keep": "half"}}
    step = _step("", **SOFT) | {"teacher": members, "student": half, "dropout": False, "updates": 1}
    made = make_step(step, {"@text": text})
    outline = distil.outline(DistilStep.parse(step, "s"), {"@text": CORPUS})
    assert made.facts["flops"] / made.facts["tokens"] == pytest.approx(outline.flops / outline.tokens, rel=0.05)
    one = DistilStep.parse(step | {"teacher": str(folder_of_masks)}, "s")
    assert "(75%)" in outline.notes[-1]
    assert "the layers of the first" in outline.notes[-1]
    assert outline.flops > distil.outline(one, {"@text": CORPUS}).flops
    assert distil.rehearse(DistilStep.parse(step, "s"), {"@text": CORPUS}) > 0


def test_an_ensemble_in_memory_gives_the_loss_of_its_mean():
    """Reference: the mean of both teachers' logits, computed by the models themselves."""
    teachers = [_model("bert", "ForMaskedLM", num_hidden_layers=depth).eval() for depth in (4, 2)]
    student = keep_layers(teachers[0], [1, 2])
    (batch,) = _batches(1)
    with torch.no_grad():
        ours, *theirs = (model(batch.input_ids).logits for model in (student, *teachers))
    expected = SoftLabels().total(Outputs(logits=ours), Outputs(logits=0.75 * theirs[0] + 0.25 * theirs[1]), batch)
    members = [Online(model, observe, shape_of(model.config)) for model in teachers]
    how = Training(updates=1, dropout=False, precision="float32")
    curve = distil.distil(student, Ensemble(members, [3, 1]), _batches, [SoftLabels()], how)
    count = int((batch.labels != -100).sum())
    assert curve.rows[0]["terms"]["loss"] == pytest.approx(float(expected) / count, rel=1e-5)


@pytest.mark.parametrize(
    ("second", "objectives", "sentence"),
    [
        ("headless", ["soft_labels"], r'"soft_labels" needs logits; the teacher .* gives only hidden'),
        ("@big", ["soft_labels"], "has a vocabulary of .* and @big one of 60"),
        ("wide", ["hidden_mse"], "the other members would teach nothing"),
    ],
)
def test_an_ensemble_that_cannot_teach_is_refused(tiny, folder_of_masks, wider_masks, second, objectives, sentence):
    """Found while loading, it would be found after the corpus was made."""
    models = {"headless": str(tiny.model), "wide": str(wider_masks), "@big": "@big"}
    teacher = _ensemble(str(folder_of_masks), models[second])
    fields = {"student": {"layers": {"keep": "half"}}, "objectives": [{"kind": kind} for kind in objectives]}
    step = DistilStep.parse(_step("") | {"method": None, "teacher": teacher, **fields}, "s")
    big = Outline(makes="model", model=_model("bert", "ForMaskedLM").config.to_dict())
    with pytest.raises(RecipeError, match=sentence):
        distil.outline(step, {"@text": CORPUS, "@big": big})


def test_members_of_other_tokenizers_are_refused(folder_of_masks, wider_masks, text, make_step, tmp_path):
    """Two vocabularies of one size and other words would be averaged word by wrong word."""
    folder = tmp_path / "other"
    shutil.copytree(wider_masks, folder)
    tokens = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(tokens.replace('"house"', '"mouse"'))
    step = _step("", **SOFT) | {"teacher": _ensemble(str(folder_of_masks), str(folder))}
    with pytest.raises(ModelError, match='have different tokens: "house" is number'):
        make_step({**step, "student": {"layers": {"keep": "half"}}}, {"@text": text})


def test_a_layer_that_nothing_reads_stops_the_training():
    """The published Swedish code matched the wrong layer and never trained the student's last block."""
    teacher = _model("bert")
    student = keep_layers(teacher, [1, 2])
    with pytest.raises(TrainingError, match=r"layer\.1\..* not connected to the loss"):
        distil.distil(student, teacher, _batches, [HiddenMSE(layers=[(1, 2)])], Training(updates=2))
    assert all(parameter.requires_grad for parameter in student.parameters())


MINILM = [AttentionKL(), RelationKL(of="values")]


@pytest.mark.parametrize("fill", [True, False])
def test_words_that_the_text_lacks_stay_as_they_are(tiny, text, make_step, fill):
    """Embeddings that drift without text to learn from are noise in a student that meets their words later."""
    made = make_step(_step(tiny.model, freeze_embeddings=False, fill=fill, updates=3), {"@text": text})
    tables = [load_model(str(folder)).get_input_embeddings().weight for folder in (tiny.model, made.model_folder)]
    moved = (tables[0] != tables[1]).any(1)
    assert 0 < moved.sum() < len(moved)
    curve = [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]
    first = next(row["tokens"] for row in curve if "loss" in row)
    assert (abs(first - 8 * 32) < 32) == fill


@pytest.mark.parametrize("objectives", [[{"kind": "hidden_mse"}, {"kind": "attention_mse"}], [{"kind": "soft_labels"}]])
def test_packed_and_cut_off_it_ends_with_the_same_bytes(folder_of_masks, text, tmp_path, monkeypatch, objectives):
    """Rows that are put together anew after an interruption would be other rows."""
    step = DistilStep.parse(
        _step(folder_of_masks, method=None, objectives=objectives, student=HALF, pack=True, batch=3, updates=6), "s"
    )
    distil.run(step, {"@text": text}, Workspace(tmp_path / "unbroken"))
    made, seen = TextBatches.__call__, []

    def cut_off(batches, update):
        if update == 4:
            raise KeyboardInterrupt
        seen.extend(made(batches, update))
        return seen[-1:]

    out = Workspace(tmp_path / "broken")
    out.checkpoint_seconds = 0
    with monkeypatch.context() as patch:
        patch.setattr(TextBatches, "__call__", cut_off)
        with pytest.raises(KeyboardInterrupt):
            distil.run(step, {"@text": text}, out)
    distil.run(step, {"@text": text}, out)
    first, second = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("unbroken", "broken"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(batch.documents is not None for batch in seen)
    assert out.facts["packed"]["padding"] < 0.5


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"fill": True, "pack": True}, "`fill` .* and `pack` .*; found both, set one"),
        (
            {"pack": True, "method": None, "objectives": [{"kind": "mlm"}, {"kind": "next_sentence"}]},
            "next_sentence judges one pair of texts a row, .*; set `fill: true` instead of `pack: true`",
        ),
    ],
)
def test_packing_that_means_nothing_is_refused(fields, sentence):
    """One of two settings that is quietly ignored is believed to work."""
    with pytest.raises(RecipeError, match=sentence):
        DistilStep.parse(_step("x/y", student="x/z", **fields), "s")


def test_a_model_that_would_mix_packed_texts_is_refused_by_plan():
    """After hours of tokenising, the same sentence would be worth less."""
    convolved = Outline(makes="model", model=_model("deberta-v2", conv_kernel_size=3).config.to_dict())
    step = DistilStep.parse(_step("@big", student=HALF, pack=True), "s")
    with pytest.raises(ModelError, match="runs a convolution over neighbouring tokens"):
        distil.outline(step, {"@text": CORPUS, "@big": convolved})
    big = Outline(makes="model", model=_model("bert").config.to_dict())
    told = distil.outline(step, {"@text": CORPUS, "@big": big})
    assert told.tokens == 3 * 8 * 32
    assert any("8 packed rows of 32 tokens an update" in note for note in told.notes)


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in ("deberta-v2", "albert")])
def test_what_is_not_read_can_be_frozen(family):
    """MiniLM reads nothing after the last layer's values; trained by noise, they would be worse than left alone."""
    teacher = _model(family)
    student = keep_layers(teacher, [1, 2])
    before = {name: value.clone() for name, value in student.state_dict().items()}
    with pytest.raises(TrainingError, match="not connected to the loss"):
        distil.distil(student, teacher, _batches, MINILM, Training(updates=1))
    with temporary_workspace(None) as out:
        distil.distil(student, teacher, _batches, MINILM, Training(updates=2), freeze_unread=True, out=out)
        frozen = out.facts["frozen"]
    moved = {name for name, value in student.state_dict().items() if not torch.equal(value, before[name])}
    assert all(parameter.requires_grad for parameter in student.parameters())
    assert moved
    assert not any(name.startswith(tuple(f"{part}." for part in frozen)) for name in moved)
    last = [name for name, _ in student.named_parameters() if "layer.1." in name or "layers.1." in name]
    assert {name for name in last if name in moved}
    assert any(part for part in frozen if "layer" in part and "1" in part)


def test_an_albert_has_no_layer_that_nothing_reads():
    """The last layer's feed-forward block is the first layer's: frozen, no layer would learn."""
    teacher = _model("albert")
    student = keep_layers(teacher, [1, 2])
    with temporary_workspace(None) as out:
        distil.distil(student, teacher, _batches, MINILM, Training(updates=2), freeze_unread=True, out=out)
        assert out.facts["frozen"] == ["pooler"]


def test_what_is_not_read_is_found_in_the_precision_of_the_training():
    """A DeBERTa's head multiplies by the table of words, which only autocast brings into a packed teacher's format."""
    teacher = _model("deberta-v2", "ForMaskedLM", legacy=False)
    student = keep_layers(teacher, [1, 2])
    objectives = [SoftLabels(), *MINILM]
    with temporary_workspace(None) as out:
        training = Training(updates=1, precision="bfloat16")
        distil.distil(student, teacher, _batches, objectives, training, freeze_unread=True, out=out)
        assert out.facts["frozen"] == []


def test_a_narrower_student_learns_through_a_map_that_is_not_saved(text, make_step, tiny, tmp_path):
    """A projection that reached the export would be weights that no class of transformers has a place for."""
    narrow = load_model(str(tiny.model)).config
    narrow.hidden_size, narrow.num_hidden_layers = 16, 2
    torch.manual_seed(1)
    AutoModel.from_config(narrow, add_pooling_layer=False).save_pretrained(tmp_path / "narrow")
    AutoTokenizer.from_pretrained(tiny.model).save_pretrained(tmp_path / "narrow")
    objectives = [{"kind": "hidden_mse", "layers": "uniform", "projection": "linear"}]
    fields = {"student": str(tmp_path / "narrow"), "objectives": objectives, "freeze_embeddings": False}
    made = make_step(_step(tiny.model, **fields, updates=40, learning_rate=3e-3, precision="float32"), {"@text": text})
    curve = [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["held_out"] < 0.8 * curve[0]["loss"]
    saved = load_file(made.model_folder / "model.safetensors")
    assert not [name for name in saved if "map" in name or "objectives" in name]
    _, told = AutoModel.from_pretrained(made.model_folder, add_pooling_layer=False, output_loading_info=True)
    assert not any(told.values())


def test_a_weight_follows_its_schedule():
    """A schedule that nobody reads is a sentence in a recipe."""
    teacher = _model("bert")
    student = keep_layers(teacher, [1, 2])
    fading = HiddenMSE(weight=WeightSchedule.model_validate({"from": 4, "to": 1, "until": 0.5}))
    history = distil.distil(student, teacher, _batches, [fading], Training(updates=4, learning_rate=1e-9))
    shares = [row["terms"]["loss"] / row["terms"]["hidden_mse"] for row in history.rows]
    assert shares == pytest.approx([2.5, 1, 1, 1], rel=1e-5)


def test_in_memory_updates_have_to_be_said():
    """Passes over batches that are made on demand cannot be counted."""
    with pytest.raises(RecipeError, match="updates=1000"):
        distil.distil(_model("bert"), _model("bert"), _batches, LIGHT, Training(epochs=1))


def test_outline_spells_the_method_out(tiny):
    """`plan` is where the reader sees what a name like lightmbert will do."""
    notes = distil.outline(DistilStep.parse(_step(tiny.model), "s"), {"@text": CORPUS}).notes
    assert notes[0] == "keeps layers 1, 2 of 4"
    assert (
        "1 x hidden_mse (layer 2 like the teacher's 4) + 1 x attention_mse (layer 2 like the teacher's 4)" in notes[1]
    )
    assert "0.0001" in notes[2]
    assert notes[3].startswith("frozen: embeddings")
    assert notes[4].startswith("masking: 0.15 of the tokens, single tokens")
    assert notes[5] == f"learns from {tiny.model}"


def test_outline_counts_what_passes_through(tiny):
    """The forecast of a day's training should not be off by the padding of short texts."""
    by_updates = distil.outline(DistilStep.parse(_step(tiny.model, updates=10), "s"), {"@text": CORPUS})
    assert (by_updates.updates, by_updates.tokens) == (10, 10 * 8 * 16)
    fields = _step(tiny.model, epochs=2)
    del fields["updates"]
    by_epochs = distil.outline(DistilStep.parse(fields, "s"), {"@text": CORPUS})
    assert (by_epochs.updates, by_epochs.tokens) == (round(8_000 / (8 * 16)), 8_000)
    unknown = distil.outline(DistilStep.parse(fields, "s"), {"@text": Outline(makes="corpus")})
    assert (unknown.updates, unknown.tokens, unknown.flops) == (None, None, None)
    long = _step(tiny.model, length=512)
    assert distil.outline(DistilStep.parse(long, "s"), {"@text": Outline(makes="corpus")}).tokens == 3 * 8 * 64


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"objectives": [{"kind": "hidden_mse", "layers": [[3, 4]]}]}, "matches layer 3 of the student"),
        (
            {"objectives": [{"kind": "soft_labels"}]},
            r"needs logits; the teacher .*model gives only hidden .*; it has neither a masked-LM head",
        ),
        ({"objectives": []}, "at least 1 item"),
        ({"method": "lightbert"}, 'there is no method "lightbert"; did you mean "lightmbert"?'),
    ],
)
def test_what_does_not_fit_is_found_before_anything_is_loaded(tiny, fields, sentence):
    """A mismatch found while the models load is found after the corpus was made."""
    with pytest.raises((RecipeError, ModelError, ValidationError), match=sentence):
        distil.outline(DistilStep.parse(_step(tiny.model, **fields), "s"), {"@text": CORPUS})


def test_a_rehearsal_leaves_nothing_behind(tiny, tmp_path, monkeypatch):
    """A forecast that moves the generator changes the run; one that leaves files fills the disk."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    state = torch.get_rng_state()
    step = DistilStep.parse(_step(tiny.model, length=512), "s")
    assert distil.rehearse(step, {"@text": CORPUS}) > 0
    assert torch.equal(state, torch.get_rng_state())
    assert list(tmp_path.iterdir()) == []


def test_outside_changes_with_the_model(tiny):
    """A student of a replaced teacher, skipped as done, is a student of the old one."""
    step = DistilStep.parse(_step(tiny.model), "s")
    assert list(step.outside()) == [str(tiny.model)]
    assert DistilStep.parse(_step("@a", student="@b"), "s").outside() is None
