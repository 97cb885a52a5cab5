import json

import pytest
import torch
from pydantic import ValidationError
from stage_support import TASK, Heard, step_of
from transformers import AutoConfig, AutoModel, AutoModelForTokenClassification, AutoTokenizer

from limbeck.errors import DataError, Interrupted, ModelError, RecipeError
from limbeck.models import loading
from limbeck.outlines import Outline
from limbeck.stages import finetune
from limbeck.stages.finetune import FinetuneStep, members
from limbeck.workspace import Workspace

LABELS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


def _step(world, **fields):
    return {"do": "finetune", "model": str(world.model), "data": world.data, **TASK, "updates": 3, **fields}


def _file(folder, text, name="some.iob2"):
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def test_it_learns_the_task(tiny, teacher_tags):
    """A teacher that has not learnt makes every comparison empty."""
    assert [member["seed"] for member in teacher_tags.facts["members"]] == [1, 2]
    assert all(member["dev_score"] > 0.9 for member in teacher_tags.facts["members"])
    assert teacher_tags.facts["datasets"][0]["labels"] == LABELS
    assert teacher_tags.facts["datasets"][0]["examples"] == {"train": 180, "dev": 20, "test": 60}
    model = AutoModelForTokenClassification.from_pretrained(teacher_tags.model_folder)
    assert list(model.config.id2label.values()) == LABELS
    assert AutoTokenizer.from_pretrained(teacher_tags.model_folder).is_fast


def test_costs_add_up_over_members(teacher_tags):
    """The report's total of a step with three seeds should not be that of one."""
    facts, members = teacher_tags.facts, teacher_tags.facts["members"]
    for name in ("updates", "tokens", "flops", "seconds_training"):
        assert facts[name] == sum(member[name] for member in members)
        assert all(member[name] > 0 for member in members)
    assert facts["precision"] == "float32"
    assert all((teacher_tags.folder / member["folder"] / "curve.jsonl").is_file() for member in members)


def test_each_student_learns_from_the_teacher_of_its_seed(tiny, teacher_tags, make_step, monkeypatch):
    """Students that share one teacher are not independent, and their spread is too small."""
    loaded = []
    load = loading.load_model
    monkeypatch.setattr(loading, "load_model", lambda source, **how: loaded.append(source) or load(source, **how))
    heard = Heard()
    make_step(_step(tiny, teacher="@t", seeds=[2, 1, 9]), {"@t": teacher_tags}, heard)
    best = str(teacher_tags.model_folder)
    folder = teacher_tags.folder / "members"
    assert loaded[1::2] == [str(folder / "seed-2"), str(folder / "seed-1"), best]
    assert [line for line in heard.lines if "no member" in line] == [
        "seed 9: @t has no member of that seed; learning from its best"
    ]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_soft_labels_are_part_of_the_loss(tiny, teacher_tags, make_step, precision):
    """A second step of distillation that only reads the labels is fine-tuning under another name."""
    made = make_step(_step(tiny, teacher="@t", precision=precision), {"@t": teacher_tags})
    final = made.facts["members"][0]["final"]
    assert final["soft_labels"] > 0
    assert final["loss"] == pytest.approx(0.5 * final["hard_labels"] + 0.5 * final["soft_labels"])
    alone = make_step(_step(tiny, precision=precision))
    assert made.facts["flops"] / made.facts["tokens"] > 1.3 * alone.facts["flops"] / alone.facts["tokens"]


def test_several_teachers_of_a_task_teach_together(tiny, teacher_tags, make_step):
    """The strongest published students learnt from several teachers; one of them read alone would not show it."""
    teacher = {"kind": "ensemble", "members": ["@t", {"model": str(teacher_tags.folder / "members/seed-1")}]}
    made = make_step(_step(tiny, teacher=teacher, seeds=[2]), {"@t": teacher_tags})
    alone = make_step(_step(tiny, teacher="@t", seeds=[2]), {"@t": teacher_tags})
    assert made.facts["flops"] > 1.2 * alone.facts["flops"]
    assert made.facts["members"][0]["final"]["soft_labels"] != alone.facts["members"][0]["final"]["soft_labels"]
    headless = {"kind": "ensemble", "members": ["@t", str(tiny.model)]}
    outline = Outline(makes="members", model=AutoConfig.from_pretrained(teacher_tags.model_folder).to_dict())
    with pytest.raises(ModelError, match=r"the teacher .*model has no classifier of tokens"):
        finetune.outline(FinetuneStep.parse(_step(tiny, teacher=headless), "s"), {"@t": outline})


def test_all_arms_get_the_same_budget(tiny, teacher_tags, make_step):
    """A student that trained longer than its control proves patience, not teaching."""
    student = make_step(_step(tiny, teacher="@t", updates=None, epochs=1), {"@t": teacher_tags})
    control = make_step(_step(tiny, updates=None, epochs=1))
    assert [student.facts[name] for name in ("updates", "tokens")] == [
        control.facts[name] for name in ("updates", "tokens")
    ]


def test_untrained_starts_from_fresh_weights(tiny, make_step):
    """A floor that quietly starts from the teacher's weights is no floor."""
    pretrained = make_step(_step(tiny, updates=1, learning_rate=1e-9))
    fresh = make_step(_step(tiny, updates=1, learning_rate=1e-9, untrained=True))
    source = loading.load_model(str(tiny.model)).get_input_embeddings().weight
    words = [loading.load_model(str(made.model_folder)).get_input_embeddings().weight for made in (pretrained, fresh)]
    assert torch.allclose(words[0], source, atol=1e-6)
    assert not torch.allclose(words[1], source, atol=0.1)


def test_a_probe_trains_the_classifier_alone(tiny, make_step):
    """A probe that moves the encoder measures what fine-tuning can do, not what the encoder knows."""
    made = make_step(_step(tiny, freeze_encoder=True, learning_rate=1e-2))
    probe = AutoModelForTokenClassification.from_pretrained(made.model_folder)
    before = AutoModel.from_pretrained(tiny.model)
    for name, parameter in probe.base_model.named_parameters():
        assert torch.equal(parameter, before.get_parameter(name)), name
    assert made.facts["flops"] * 3 == make_step(_step(tiny, learning_rate=1e-2)).facts["flops"]


def test_seeds_decide_everything(tiny, make_step):
    """Two members that are one are no evidence of spread; one that cannot be repeated is no evidence."""
    first = make_step(_step(tiny, seeds=[3, 4]))
    again = make_step(_step(tiny, seeds=[4]))

    def weights(made, seed):
        return (made.folder / f"members/seed-{seed}" / "model.safetensors").read_bytes()

    assert weights(first, 4) == weights(again, 4)
    assert weights(first, 3) != weights(first, 4)


def test_members_that_are_done_are_not_made_again(tiny, tmp_path, monkeypatch):
    """A step of five seeds that is cut off in the fifth should not begin with the first."""
    step = step_of(_step(tiny, seeds=[1, 2]))
    out = Workspace(tmp_path, "tags")
    fit = members.fit_member

    def cut_off(*arguments):
        if arguments[-2] == 2:
            raise Interrupted(15)
        return fit(*arguments)

    monkeypatch.setattr(members, "fit_member", cut_off)
    with pytest.raises(Interrupted):
        finetune.run(step, {}, out)
    monkeypatch.setattr(members, "fit_member", lambda *arguments: trained.append(arguments[-2]) or fit(*arguments))
    trained: list[int] = []
    again = Workspace(tmp_path, "tags")
    again.facts = json.loads((again.scratch / "facts.json").read_text())
    finetune.run(step, {}, again)
    assert trained == [2]
    assert [member["seed"] for member in again.facts["members"]] == [1, 2]


def test_texts_longer_than_the_model_are_learnt_from_in_windows(tiny, tmp_path, make_step):
    """What is cut off silently is never learnt, and nobody knows."""
    words = [f"word{n}\tO" for n in range(120)]
    long = "\n".join([*words, "Macbrecor\tB-PER", "", ""])
    data = {"kind": "iob", "train": _file(tmp_path, long * 20), "dev": _file(tmp_path, long, "dev.iob2")}
    heard = Heard()
    made = make_step(_step(tiny, data=data, batch=4, length=512), {}, heard)
    assert made.facts["members"][0]["tokens"] <= 3 * 4 * 64
    assert "20 train examples, 1 dev examples, 0 test examples" in heard.lines


def test_outline_reads_files_and_counts(tiny):
    """Wrong data found by `plan` costs a second, found by the run it costs the distillation before it."""
    step = FinetuneStep.parse({**_step(tiny, seeds=[1, 2], updates=None, epochs=2)}, "s")
    outline = finetune.outline(step, {})
    words = outline.tokens / (2 * 2 * 1.4)
    assert outline.updates == 2 * (2 * (180 // 16))
    assert 180 * 6 < words < 180 * 14
    assert outline.disk_bytes == 2 * 4 * outline.parameters
    assert list(outline.model["id2label"].values()) == LABELS
    assert outline.model["architectures"] == ["BertForTokenClassification"]
    assert outline.notes[:2] == ("180 training examples", "2 models, seed 1, 2")
    taught = finetune.outline(FinetuneStep.parse(_step(tiny, teacher="@t"), "s"), {"@t": outline})
    alone = finetune.outline(FinetuneStep.parse(_step(tiny), "s"), {})
    assert taught.flops == pytest.approx(alone.flops * 4 / 3)
    assert taught.memory_bytes > alone.memory_bytes
    assert any("0.5 x soft_labels (temperature 1" in note for note in taught.notes)


def test_outline_of_a_corpus_that_is_not_made(tiny):
    """A number that nobody can know yet should not be made up."""
    data = {"kind": "annotated_corpus", "corpus": "@docs"}
    fields = _step(tiny, data=data, seeds=[1, 2], updates=None, epochs=2)
    outline = finetune.outline(FinetuneStep.parse(fields, "s"), {"@docs": Outline(makes="corpus", tokens=10.0)})
    assert (outline.updates, outline.tokens, outline.flops) == (None, None, None)
    fixed = finetune.outline(FinetuneStep.parse({**fields, "updates": 7, "epochs": None}, "s"), {})
    assert (fixed.updates, fixed.tokens) == (14, None)


@pytest.mark.parametrize(
    ("train", "more", "sentence"),
    [
        ("a\tO\nb\n\n", {}, r"some.iob2:2 has no column 1"),
        ("a\tO\n\nb\tO\n\n" * 9, {}, "has an entity; check which column holds the tags"),
        ("a\tB-X\n\nb\tO\n\n" * 9, {"test": "a\tB-Y\n\n"}, "the test examples have labels .* know: B-Y; it knows B-X"),
        ("a\tB-X\n\nb\tO\n\n" * 9, {"dev": "a\tB-Y\n\n"}, "the development examples have labels .* know: B-Y"),
        ("a\tB-X\n\n", {}, "too few to cut 10% of them for dev"),
    ],
)
def test_bad_data_is_found_when_planning(tiny, tmp_path, train, more, sentence):
    """Found in the last step, it is found after hours."""
    files = {name: _file(tmp_path, text, f"{name}.iob2") for name, text in more.items()}
    data = {"kind": "iob", "train": _file(tmp_path, train), **files}
    with pytest.raises(DataError, match=sentence):
        finetune.outline(FinetuneStep.parse(_step(tiny, data=data), "s"), {})


def test_a_teacher_of_other_labels_is_refused(tiny, teacher_tags, tmp_path, make_step):
    """Classes that stand for other labels would be learnt as if they were these."""
    data = {"kind": "iob", "train": _file(tmp_path, "a\tB-X\n\nb\tO\n\n" * 20)}
    with pytest.raises(ModelError, match=r"the teacher @t was fine-tuned for .*B-LOC.* this data has O, B-X, I-X"):
        make_step(_step(tiny, data=data, teacher="@t"), {"@t": teacher_tags})


def test_soft_labels_without_a_teacher_are_refused_when_planning(tiny):
    """Found while training, it is found after the data were read and the models loaded."""
    step = FinetuneStep.parse(_step(tiny, objectives=[{"kind": "soft_labels"}]), "s")
    with pytest.raises(RecipeError, match="compares with a teacher and this step has none"):
        finetune.outline(step, {})


def test_a_teacher_that_was_not_fine_tuned_is_refused_when_planning(tiny):
    """The encoder in place of its fine-tuned self is the likeliest slip, and it costs the distillation before."""
    with pytest.raises(ModelError, match="has no classifier of tokens"):
        finetune.outline(FinetuneStep.parse(_step(tiny, teacher=str(tiny.model)), "s"), {})


@pytest.mark.parametrize("teacher", [False, True])
def test_a_rehearsal_leaves_nothing_behind(tiny, tmp_path, monkeypatch, teacher):
    """A forecast that moves the generator changes the run; one that leaves files fills the disk."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    state = torch.get_rng_state()
    fields = _step(tiny, length=512, **({"teacher": str(tiny.model)} if teacher else {}))
    assert finetune.rehearse(FinetuneStep.parse(fields, "s"), {}) > 0
    assert torch.equal(state, torch.get_rng_state())
    assert list(tmp_path.iterdir()) == []


def test_defaults_and_what_they_refuse(tiny):
    """Three epochs of the labels, or of labels and teacher, are what a short recipe means."""
    short = {"model": "m", "data": tiny.data}
    step = FinetuneStep.parse(short, "s")
    assert step.epochs == 3
    assert [objective.kind for objective in step.objectives_for("token_classification")] == ["hard_labels"]
    taught = FinetuneStep.parse({**short, "teacher": "t"}, "s")
    assert [(o.kind, o.weight) for o in taught.objectives_for("token_classification")] == [
        ("hard_labels", 0.5),
        ("soft_labels", 0.5),
    ]
    with pytest.raises((RecipeError, ValidationError), match="both"):
        FinetuneStep.parse({**short, "epochs": 1, "updates": 3}, "s")
    with pytest.raises((RecipeError, ValidationError), match="can stand once"):
        FinetuneStep.parse({**short, "seeds": [1, 1]}, "s")
