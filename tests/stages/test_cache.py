import json
import shutil

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from stage_support import Heard, step_of
from transformers import AutoConfig

from limbeck.artifacts import Artifact
from limbeck.corpora.batches import text_batches
from limbeck.corpora.masking import Masking
from limbeck.errors import ArtifactError, DataError, RecipeError
from limbeck.models.counting import shape_of
from limbeck.models.loading import load_model, load_tokenizer, save_model
from limbeck.models.observing import observe
from limbeck.outlines import Outline
from limbeck.signals import Batch, Needs
from limbeck.stages import cache, distil
from limbeck.stages.cache import writing
from limbeck.stages.cache.comparing import TOLERANCE
from limbeck.teachers import Cached, Online
from limbeck.workspace import Workspace, temporary_workspace

FULL = {"logits": {"top": "all"}, "hidden": [2, 4], "numbers": "float32"}
SOFT = {"kind": "soft_labels"}
HALF = {"layers": {"keep": "half"}}
CACHED = {"kind": "cached", "from": "@c"}


def _cache(teacher, **fields):
    given = {"do": "cache", "teacher": str(teacher), "corpus": "@text", "length": 32, "batch": 7}
    return {**given, "store": FULL, "precision": "float32", **fields}


def _distil(teacher, *objectives, **fields):
    given = {"do": "distil", "teacher": teacher, "corpus": "@text", "updates": 4, "batch": 8, "length": 32}
    given |= {"student": HALF, "objectives": list(objectives), "precision": "float32", "dropout": False}
    return {**given, **fields}


def _curve(made):
    return [json.loads(line) for line in (made.folder / "curve.jsonl").read_text().splitlines()]


def _losses(made):
    return [row["loss"] for row in _curve(made)]


def _held_out(made):
    return [row["held_out"] for row in _curve(made) if "held_out" in row]


@pytest.fixture(scope="module")
def whole(folder_of_masks, text, make_step):
    """Everything of two layers and of the masked positions, as it is."""
    return make_step(_cache(folder_of_masks), {"@text": text})


@pytest.fixture(scope="module")
def top(folder_of_masks, text, make_step):
    """The largest logits and the last layer, rounded."""
    store = {"logits": {"top": 20, "temperatures": [1, 2]}, "hidden": "last"}
    return make_step(_cache(folder_of_masks, store=store), {"@text": text})


def _with_model(folder):
    return {**CACHED, "model": str(folder)}


def test_a_full_cache_gives_the_online_losses(folder_of_masks, text, whole, make_step):
    """A cache that gives other numbers is another teacher; other batches than the cache's must make no difference."""
    objectives = [SOFT, {"kind": "soft_labels", "loss": "mse"}, {"kind": "hidden_mse", "layers": [[1, 2], [2, 4]]}]
    online = make_step(_distil(str(folder_of_masks), *objectives), {"@text": text})
    cached = make_step(_distil(_with_model(folder_of_masks), *objectives), {"@text": text, "@c": whole})
    assert _losses(cached) == pytest.approx(_losses(online), rel=1e-6)
    assert _held_out(cached) == pytest.approx(_held_out(online), rel=1e-6)
    assert cached.facts["flops"] < 0.8 * online.facts["flops"]


def test_packed_rows_are_found_in_a_cache(folder_of_masks, text, whole, make_step):
    """A cache knows sequences, whatever rows they stand in; a row taken for one would not be there."""
    objectives = [SOFT, {"kind": "hidden_mse", "layers": [[1, 2], [2, 4]]}]
    settings = {"pack": True, "batch": 3}
    online = make_step(_distil(str(folder_of_masks), *objectives, **settings), {"@text": text})
    cached = make_step(_distil(_with_model(folder_of_masks), *objectives, **settings), {"@text": text, "@c": whole})
    assert cached.facts["packed"] == online.facts["packed"]
    assert _losses(cached) == pytest.approx(_losses(online), rel=1e-5)


def test_a_small_cache_is_near(folder_of_masks, text, top, make_step):
    """What is left out is bounded: the loss is lower, by the mass of the other classes times their divergence."""
    objectives = [{**SOFT, "temperature": 1}, {"kind": "hidden_mse"}]
    online = make_step(_distil(str(folder_of_masks), *objectives, updates=1), {"@text": text})
    cached = make_step(_distil(_with_model(folder_of_masks), *objectives, updates=1), {"@text": text, "@c": top})
    ours, theirs = cached.facts["final"], online.facts["final"]
    assert ours["hidden_mse"] == pytest.approx(theirs["hidden_mse"], rel=1e-3)
    assert 0 < ours["soft_labels"] < theirs["soft_labels"]


def test_it_says_what_it_stored(folder_of_masks, text, make_step):
    """A user who is not told how much the largest logits leave out cannot choose their number."""
    heard = Heard()
    store = {"logits": {"top": 20}, "hidden": "last"}
    made = make_step(_cache(folder_of_masks, store=store, epochs=2), {"@text": text}, heard)
    assert any("the 20 largest logits hold" in line and "temperature 2" in line for line in heard.lines)
    assert any("differ from the teacher's by at most" in line for line in heard.lines)
    assert 0 < made.facts["mass"]["2"] < 1
    assert made.facts["epochs"] == 2
    assert made.facts["tokens"] / (2 * made.facts["sequences"]) == pytest.approx(16, abs=4)


def test_a_teacher_may_be_run_in_bfloat16(folder_of_masks, text, make_step):
    """What fails only in the format that `auto` picks on other machines fails on the user's."""
    for numbers in ("float16", "float32"):
        step = _cache(folder_of_masks, store={**FULL, "numbers": numbers}, precision="bfloat16")
        made = make_step(step, {"@text": text})
        assert made.facts["precision"] == "bfloat16"
        assert max(made.facts["difference"].values()) < TOLERANCE[numbers]
    objectives = [SOFT, {"kind": "hidden_mse"}]
    teacher = _with_model(folder_of_masks)
    student = make_step(_distil(teacher, *objectives, precision="bfloat16"), {"@text": text, "@c": made})
    assert 0 < student.facts["final"]["loss"] < 100


def test_plan_tells_the_size(folder_of_masks, text, make_step):
    """A cache that fills the disk after a day was worth no day."""
    for store in (FULL, {"logits": {"top": 5, "positions": "all"}}):
        step = step_of(_cache(folder_of_masks, store=store, epochs=2))
        made = make_step(_cache(folder_of_masks, store=store, epochs=2), {"@text": text})
        known = Outline(makes="corpus", tokens=made.facts["tokens"] / 2, documents=made.facts["sequences"])
        outline = cache.outline(step, {"@text": known})
        found = sum(path.stat().st_size for path in (made.folder / "shards").rglob("*.npy"))
        assert outline.disk_bytes == pytest.approx(found, rel=0.2)
        assert outline.flops == pytest.approx(made.facts["flops"], rel=0.05)
        assert outline.notes[0].startswith("stores ")
        assert cache.rehearse(step, {"@text": known}) > 0


def test_an_interrupted_cache_goes_on_with_its_next_shard(folder_of_masks, text, tmp_path, monkeypatch):
    """A day of a teacher's answers should not be lost to a power cut."""
    monkeypatch.setattr("limbeck.teachers.shards.SHARD_BYTES", 200_000)
    step, out = step_of(_cache(folder_of_masks)), Workspace(tmp_path)
    answers, asked = writing.ask, []

    def cut_off(*arguments):
        asked.append(1)
        if len(asked) == 30:
            raise KeyboardInterrupt
        return answers(*arguments)

    monkeypatch.setattr(writing, "ask", cut_off)
    with pytest.raises(KeyboardInterrupt):
        cache.run(step, {"@text": text}, out)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "shards").rglob("*.npy")}
    assert before
    asked[:] = [1] * 30
    cache.run(step, {"@text": text}, out)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    keys = np.concatenate([np.load(path) for path in sorted((tmp_path / "shards").glob("*/keys.npy"))])
    again = Workspace(tmp_path / "again")
    monkeypatch.setattr(writing, "ask", answers)
    cache.run(step, {"@text": text}, again)
    whole = [np.load(path) for path in sorted((again.folder / "shards").glob("*/keys.npy"))]
    assert np.array_equal(keys, np.concatenate(whole))


CHANGES = {
    "seed": ({"seed": 8}, "was made with the seed 7, and this step has the seed 8"),
    "masking": ({"masking": {"probability": 0.2}}, r"with the masking {probability: 0.15, .*this step .*0.2, "),
    "length": ({"length": 24}, "with the length 32, and this step has the length 24; give both the same, or set"),
    "epochs": ({"updates": None, "epochs": 3}, "covers one pass of the text, .* reads 3; set epochs: 3 in the"),
    "a layer": ({"objectives": [{"kind": "hidden_mse", "layers": [[2, 3]]}]}, r"needs hidden states of layer 3; the"),
    "attention": (
        {"objectives": [{"kind": "attention_kl"}]},
        '"attention_kl" needs attention of layer 4; the cached teacher @c gives only .*; no cache stores attention',
    ),
    "every position": ({"objectives": [{**SOFT, "positions": "all"}]}, "needs logits at every position; the cached"),
    "a student of no weights": ({"teacher": CACHED}, "no student can be cut out of @c, which holds answers and no"),
    "another teacher": (
        {"teacher": {**CACHED, "model": "@other"}},
        "with the teacher .*, and this step has the teacher @other; give both the same",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_plan_refuses_a_cache_of_something_else(folder_of_masks, case):
    """Signals of other masks or another text would be compared with the student's without a word."""
    corpus = Outline(makes="corpus", tokens=4_000.0, documents=250)
    made = cache.outline(step_of(_cache(folder_of_masks)), {"@text": corpus})
    other = Outline(makes="model", model=AutoConfig.from_pretrained(folder_of_masks).to_dict())
    fields, sentence = CHANGES[case]
    step = step_of({**_distil(_with_model(folder_of_masks), SOFT), **fields})
    with pytest.raises(RecipeError, match=sentence):
        distil.outline(step, {"@text": corpus, "@c": made, "@other": other})


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        ({**SOFT, "temperature": 4}, "needs logits at temperature 4; .* the mass of the others at temperatures 1, 2;"),
        ({**SOFT, "loss": "mse"}, "needs every logit for itself; the cached teacher @c gives only hidden"),
        ({"kind": "logit_cosine"}, "needs every logit for itself"),
    ],
)
def test_what_the_largest_logits_cannot_give_is_refused(folder_of_masks, text, top, make_step, objective, sentence):
    """A loss on logits that were never stored would read zeros."""
    with pytest.raises(RecipeError, match=sentence):
        make_step(_distil(_with_model(folder_of_masks), objective), {"@text": text, "@c": top})


def test_answers_to_single_texts_teach_no_pairs(folder_of_masks, text, whole, make_step):
    """The cache holds what the teacher said of other sequences than those a loss on pairs reads."""
    step = _distil(_with_model(folder_of_masks), {"kind": "hidden_mse"}, {"kind": "next_sentence"})
    with pytest.raises(
        RecipeError, match=r"pairs of texts, and the cached teacher answered single ones; set teacher\.kind"
    ):
        make_step(step, {"@text": text, "@c": whole})


def _other_text(text, tmp_path):
    manifest = text.manifest.model_copy(update={"fingerprint": "1" * 64})
    return Artifact(text.folder, manifest)


def test_a_run_refuses_another_text_tokenizer_and_epoch(folder_of_masks, text, whole, make_step, tmp_path):
    """Before a run names are compared; only the run sees that a name stands for something else."""
    step = _distil(_with_model(folder_of_masks), SOFT)
    with pytest.raises(RecipeError, match=r"the cache @c was made with the text 00000000, .* the text 11111111"):
        make_step(step, {"@text": _other_text(text, tmp_path), "@c": whole})
    with pytest.raises(RecipeError, match=r"covers one pass of the text, .* reads \d+\.?\d*; set epochs: \d+"):
        make_step({**step, "updates": 400}, {"@text": text, "@c": whole})
    folder = tmp_path / "cut"
    shutil.copytree(folder_of_masks, folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    replaced = {"type": "Replace", "pattern": {"String": "house"}, "content": "garden"}
    tokenizer["normalizer"] = {"type": "Sequence", "normalizers": [tokenizer["normalizer"], replaced]}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    step |= {"teacher": CACHED, "student": str(folder)}
    with pytest.raises(
        RecipeError, match="the cache @c holds this text as another tokenizer cuts it; give the student"
    ):
        make_step(step, {"@text": text, "@c": whole})
    make_step({**step, "student": str(folder_of_masks), "freeze_unread": True}, {"@text": text, "@c": whole})


def test_what_was_masked_otherwise_is_not_found(folder_of_masks, text, whole, make_step):
    """The last line of defence: an answer to another question is never given."""
    config = AutoConfig.from_pretrained(folder_of_masks)
    cached = Cached(whole.folder, shape_of(config), "@c")
    ids = torch.randint(5, 60, (2, 9))
    with pytest.raises(DataError, match="sequence 1 of this batch is not in @c as it is masked here; make the cache"):
        cached(Batch(ids, torch.ones_like(ids), ids), Needs(hidden=frozenset({2})))


def test_what_cannot_be_stored_is_refused(tiny, folder_of_masks, text, make_step, tmp_path):
    """A head that is not there, or numbers that a format cannot hold, would be found by the student's training."""
    corpus = {"@text": Outline(makes="corpus", tokens=4_000.0, documents=250)}
    with pytest.raises(RecipeError, match=r"the cache needs logits; the teacher .*neither a masked-LM head"):
        cache.outline(step_of(_cache(tiny.model)), corpus)
    with pytest.raises(RecipeError, match="the cache needs hidden states of layer 5; the teacher"):
        cache.outline(step_of(_cache(folder_of_masks, store={"hidden": [5]})), corpus)
    with pytest.raises(ValidationError, match="nothing is to be stored; give `hidden: last`"):
        step_of(_cache(folder_of_masks, store={}))
    with pytest.raises(ValidationError, match="masks that depend on its length, which a cache cannot know; give one"):
        step_of(_cache(folder_of_masks, masking={"probability": {"from": 0.3, "to": 0.15}}))
    model = load_model(str(folder_of_masks))
    with torch.no_grad():
        model.bert.encoder.layer[3].output.LayerNorm.weight.mul_(1e6)
    save_model(model, load_tokenizer(str(folder_of_masks)), tmp_path / "huge")
    with pytest.raises(DataError, match=r"hidden states of layer 4 reach .*, and float16 ends at 65504; set"):
        make_step(_cache(tmp_path / "huge", store={"hidden": "last"}), {"@text": text})


def test_a_cache_that_reads_back_wrong_is_not_kept(folder_of_masks, text, tmp_path, monkeypatch):
    """A defect of storing would pass for a bad teacher."""
    monkeypatch.setattr("limbeck.teachers.recording._rounded", lambda signal, dtype, name: signal.float() * 1.1)
    with pytest.raises(
        ArtifactError, match=r"the loss on hidden states of layer 2 is .* from the cache and .* from the"
    ):
        cache.run(step_of(_cache(folder_of_masks)), {"@text": text}, Workspace(tmp_path))


def test_taggers_and_ensembles_are_cached_too(teacher_tags, folder_of_masks, text, make_step):
    """An ensemble is where a cache saves most, and tags are what a fine-tuned teacher has to say."""
    tags = {"logits": {"top": "all", "positions": "all"}, "numbers": "float32"}
    store = make_step(_cache("@t", store=tags), {"@t": teacher_tags, "@text": text})
    objective = {**SOFT, "positions": "all", "temperature": 1}
    inputs = {"@t": teacher_tags, "@text": text, "@c": store}
    online = make_step(_distil("@t", objective), inputs)
    cached = make_step(_distil({**CACHED, "model": "@t"}, objective), inputs)
    assert _losses(cached) == pytest.approx(_losses(online), rel=1e-6)
    both = {"kind": "ensemble", "members": [{"model": str(folder_of_masks), "weight": 2}, str(folder_of_masks)]}
    together = make_step({**_cache(""), "teacher": both, "store": {"logits": {}}}, {"@text": text})
    assert together.facts["difference"]


def test_signals_are_those_of_the_sequence(folder_of_masks, text, whole, make_step):
    """By hand: two sequences of a batch in another order, with padding, against the model itself."""
    model = load_model(str(folder_of_masks), mlm=True)
    with temporary_workspace() as out:
        settings = {"length": 32, "batch": 3, "accumulate": 1, "updates": lambda each: each, "seed": 7, "out": out}
        tokenizer = load_tokenizer(str(folder_of_masks))
        batches, _ = text_batches(text.folder, tokenizer, len(tokenizer), Masking(), **settings)
        batch = batches.padded([batches.text.sample(0, index, 1.0) for index in (11, 3, 40)])
    needs = Needs(hidden=frozenset({4}), logits="selected")
    shape = shape_of(model.config)
    theirs, ours = Online(model, observe, shape)(batch, needs), Cached(whole.folder, shape)(batch, needs)
    mask = batch.attention_mask.bool()
    torch.testing.assert_close(ours.hidden[4][mask], theirs.hidden[4][mask], rtol=1e-4, atol=1e-5)
    assert not ours.hidden[4][~mask].any()
    torch.testing.assert_close(ours.logits, theirs.logits, rtol=1e-4, atol=1e-5)


def test_a_student_of_answers_is_looked_at_alone(folder_of_masks, text, whole, make_step):
    """No teacher is loaded to compare with, and that must not stop a training, nor hide a collapse."""
    objective = {"kind": "hidden_mse", "layers": [[4, 2]]}
    step = {**_distil(CACHED, objective), "student": str(folder_of_masks), "freeze_unread": True}
    alone = make_step(step, {"@text": text, "@c": whole})
    beside = make_step(_distil(_with_model(folder_of_masks), {"kind": "hidden_mse"}), {"@text": text, "@c": whole})
    probes = [json.loads((made.folder / "probes.jsonl").read_text().splitlines()[-1]) for made in (alone, beside)]
    assert "effective_rank" in probes[0]
    assert "teacher_effective_rank" not in probes[0]
    assert probes[1]["teacher_effective_rank"] > 1
