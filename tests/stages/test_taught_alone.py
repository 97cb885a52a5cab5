"""Examples without labels in fine-tuning: unlabelled text, and copies of training examples."""

import json
import random

import pytest
from stage_support import TASK, Heard, step_of
from transformers import AutoConfig

import tiny_questions
from limbeck.errors import DataError, ModelError, RecipeError
from limbeck.models import filling
from limbeck.outlines import Outline
from limbeck.stages import finetune
from limbeck.stages.finetune import FinetuneStep
from limbeck.workspace import Workspace
from tiny_world import PERSON, PLACE, sentence, tagged_sentences

SHORT = {**TASK, "updates": 4}


def _step(tiny, **fields):
    return {"do": "finetune", "model": str(tiny.model), "data": tiny.data, "teacher": "@t", **SHORT, **fields}


@pytest.fixture(scope="session")
def extra(tmp_path_factory):
    """Thirty sentences with tags, of which the last ten are those of the training data."""
    path = tmp_path_factory.mktemp("extra") / "extra.iob"
    own = tagged_sentences(200, random.Random(1)).split("\n\n")[:10]
    path.write_text("\n\n".join([*tagged_sentences(20, random.Random(9)).strip().split("\n\n"), *own]) + "\n", "utf-8")
    return {"kind": "iob", "train": str(path)}


@pytest.fixture(scope="session")
def judged(tmp_path_factory):
    """Sentences with a person or a place, as a table for classification."""
    folder = tmp_path_factory.mktemp("judged")
    for seed, name, count in ((1, "train", 200), (2, "test", 40)):
        random_ = random.Random(seed)
        rows = ["text\tlabel"]
        for number in range(count):
            kind, start = (("person", PERSON), ("place", PLACE))[number % 2]
            words = sentence(random_).rstrip(".").split()[:8]
            rows.append(" ".join([*words[:4], f"{start}gol", *words[4:]]) + f"\t{kind}")
        (folder / f"{name}.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    return {"kind": "table", "train": str(folder / "train.tsv"), "test": str(folder / "test.tsv")}


@pytest.fixture(scope="session")
def teacher_judge(tiny, judged, make_step):
    """A teacher of texts."""
    return make_step({"do": "finetune", "model": str(tiny.model), "data": judged, **TASK, "updates": 60})


def test_unlabelled_examples_are_read_and_their_labels_are_not(tiny, teacher_tags, extra, make_step):
    """Labels that come in by the back door make the comparison with labels alone worthless."""
    heard = Heard()
    made = make_step(_step(tiny, unlabelled={"data": extra}), {"@t": teacher_tags}, heard)
    assert made.facts["unlabelled"] == {"examples": 20, "found": 30, "already_there": 10}
    assert "20 of 30 unlabelled examples; 10 that the data has already are left out" in heard.lines
    text = (made.folder / "test.jsonl").read_text()
    assert len(text.splitlines()) == 60
    alone = make_step(_step(tiny), {"@t": teacher_tags})
    assert made.facts["members"][0]["final"]["loss"] != alone.facts["members"][0]["final"]["loss"]
    again = make_step(_step(tiny, unlabelled={"data": extra}), {"@t": teacher_tags})
    assert (again.model_folder / "model.safetensors").read_bytes() == (
        made.model_folder / "model.safetensors"
    ).read_bytes()


def test_a_corpus_gives_texts_to_tag(tiny, teacher_tags, text, make_step):
    """What a language has most of is plain text; a second step that cannot read it leaves it lying."""
    made = make_step(_step(tiny, unlabelled={"corpus": "@text", "most": 30}), {"@t": teacher_tags, "@text": text})
    assert made.facts["unlabelled"]["examples"] == 30
    assert made.facts["unlabelled"]["found"] > 300


def test_a_corpus_gives_texts_to_judge(tiny, teacher_judge, judged, text, make_step):
    """The same for whole texts."""
    step = _step(tiny, data=judged, unlabelled={"corpus": "@text", "most": 30})
    made = make_step(step, {"@t": teacher_judge, "@text": text})
    assert made.facts["unlabelled"]["examples"] == 30


def test_nothing_new_is_refused(tiny, teacher_tags, make_step):
    """Unlabelled text that is the training data itself is a longer training under another name."""
    given = {key: value for key, value in tiny.data.items() if key != "test"}
    with pytest.raises(DataError, match="none of the 200 unlabelled examples is another than those of the data"):
        make_step(_step(tiny, unlabelled={"data": given}), {"@t": teacher_tags})


def test_copies_have_other_words_and_the_rest_as_it_was(tiny, teacher_tags, folder_of_masks, make_step):
    """A copy that lost its names, or that is what it is a copy of, teaches nothing of the task."""
    heard = Heard()
    step = _step(tiny, augment={"copies": 2, "model": str(folder_of_masks), "candidates": 5})
    made = make_step(step, {"@t": teacher_tags}, heard)
    (facts,) = made.facts["augmented"]
    assert facts["examples"] == 180
    assert 300 < facts["copies"] <= 360
    assert facts["words"] > 300
    assert facts["words_kept"] > 100  # names are several tokens
    copies = [json.loads(line) for line in (made.folder / "augmented.jsonl").read_text().splitlines()]
    assert len(copies) == facts["copies"]
    assert {tag for copy in copies for tag in copy["tags"]} == {"?"}
    assert all(PERSON in copy["text"] or PLACE in copy["text"] for copy in copies)
    assert any(line.startswith(f"{facts['copies']:,} copies of 180 examples") for line in heard.lines)
    again = make_step(step, {"@t": teacher_tags})
    assert (again.folder / "augmented.jsonl").read_bytes() == (made.folder / "augmented.jsonl").read_bytes()


@pytest.mark.parametrize("task", ["classes", "questions"])
def test_copies_of_the_other_tasks(tiny, teacher_judge, judged, folder_of_masks, tmp_path, make_step, task):
    """A second step that works for taggers alone is none for the other tasks."""
    if task == "classes":
        data, teacher, settings = judged, teacher_judge, {}
    else:
        data = tiny_questions.squad_data(tmp_path, train=60, test=10)
        settings = {"length": 32, "stride": 4}
        teacher = make_step({"do": "finetune", "model": str(tiny.model), "data": data, **SHORT, **settings})
    augment = {"copies": 2, "model": str(folder_of_masks), "most": 40}
    made = make_step(_step(tiny, data=data, augment=augment, **settings), {"@t": teacher})
    (facts,) = made.facts["augmented"]
    assert facts["examples"] == 20
    if task == "classes":
        assert 30 < facts["copies"] <= 40
        assert made.facts["members"][0]["final"]["soft_labels"] > 0
    else:  # the context is one sentence, and holds the answer
        assert facts["copies"] == 0


def test_copies_are_not_made_again_after_an_interruption(tiny, teacher_tags, folder_of_masks, tmp_path, monkeypatch):
    """Twenty minutes of proposals should not be lost with the training after them."""
    step = step_of(_step(tiny, augment={"copies": 1, "model": str(folder_of_masks)}))
    out = Workspace(tmp_path / "whole", "tags")
    finetune.run(step, {"@t": teacher_tags}, out)
    cut = Workspace(tmp_path / "whole", "tags")
    cut.facts = {name: out.facts[name] for name in ("augmented",)}
    monkeypatch.setattr(filling, "proposals", lambda *given: pytest.fail("proposed again"))
    finetune.run(step, {"@t": teacher_tags}, cut)
    assert cut.facts["augmented"] == out.facts["augmented"]
    assert cut.facts["members"][0]["final"] == out.facts["members"][0]["final"]


@pytest.mark.parametrize(
    ("fields", "sentence_"),
    [
        ({"unlabelled": {"corpus": "@x"}, "teacher": None}, "nobody says what the examples of `unlabelled` mean"),
        ({"augment": {}, "teacher": None}, "nobody says what the examples of `augment` mean"),
        ({"augment": {}, "objectives": [{"kind": "hard_labels"}]}, "no objective hears the teacher; add soft_labels"),
        ({"unlabelled": {}}, "give either `data` or `corpus`; found neither"),
        ({"unlabelled": {"corpus": "@x", "data": {"kind": "iob", "train": "a"}}}, "found both"),
        (
            {"unlabelled": {"data": {"kind": "squad", "train": "a"}}},
            "is for question_answering, and the data for token",
        ),
        ({"data": {"kind": "squad", "train": "a"}, "unlabelled": {"corpus": "@x"}}, "a corpus asks no questions"),
        (
            {"data": {"kind": "table", "train": "a", "columns": {"pair": "b"}}, "unlabelled": {"corpus": "@x"}},
            "a corpus has no pairs of texts",
        ),
        ({"data": None, "suite": {"name": "glue"}, "unlabelled": {"corpus": "@x"}}, "a suite has several"),
        ({"augment": {"replace": 0}}, "greater than 0"),
        ({"augment": {"copies": 0}}, "greater than or equal to 1"),
    ],
)
def test_what_nobody_can_learn_from_is_refused(tiny, fields, sentence_):
    """Found when the recipe is read, it costs a second."""
    with pytest.raises(RecipeError, match=sentence_):
        FinetuneStep.parse(_step(tiny, **fields), "s")


def _plan(tiny, teacher, **fields):
    shape = AutoConfig.from_pretrained(teacher.model_folder).to_dict()
    step = FinetuneStep.parse(_step(tiny, updates=None, epochs=2, **fields), "s")
    return finetune.outline(step, {"@t": Outline(makes="members", model=shape)})


def test_the_plan_grows_with_what_is_read(tiny, teacher_tags, folder_of_masks):
    """A forecast without the copies promises a quarter of the time."""
    alone = _plan(tiny, teacher_tags)
    more = _plan(tiny, teacher_tags, augment={"copies": 3, "model": str(folder_of_masks)})
    assert more.tokens == pytest.approx(4 * alone.tokens, rel=0.05)
    assert more.updates == 2 * (4 * 180 // 16)
    assert any(note.startswith("up to 3 copies of an example, 40% of the words") for note in more.notes)
    bounded = _plan(tiny, teacher_tags, augment={"copies": 3, "model": str(folder_of_masks), "most": 180})
    assert bounded.updates == 2 * (2 * 180 // 16)
    unlabelled = _plan(tiny, teacher_tags, unlabelled={"corpus": "@text", "most": 360})
    assert unlabelled.updates == 2 * (3 * 180 // 16)


def test_a_masked_lm_is_asked_for_when_planning(tiny, teacher_tags, folder_of_masks):
    """A fine-tuned teacher has lost its masked-LM head, which is found after hours unless it is looked for."""
    with pytest.raises(ModelError, match=r"augment needs a masked LM .* @t and .*model have no masked-LM head; name a"):
        _plan(tiny, teacher_tags, augment={})
    with pytest.raises(ModelError, match=r"model has no masked-LM head"):
        _plan(tiny, teacher_tags, augment={"model": str(tiny.model)})
    plan = _plan(tiny, teacher_tags, augment={}, model=str(folder_of_masks))
    assert any(f"replaced by what {folder_of_masks} proposes" in note for note in plan.notes)


def test_new_words_or_texts_are_another_step(tiny, extra, folder_of_masks):
    """A step that is skipped although its unlabelled text was replaced learned from the old one."""
    plain = FinetuneStep.parse(_step(tiny), "s").outside()
    step = FinetuneStep.parse(_step(tiny, unlabelled={"data": extra}, augment={"model": str(folder_of_masks)}), "s")
    assert step.outside().keys() - plain.keys() == {"unlabelled", str(folder_of_masks)}
