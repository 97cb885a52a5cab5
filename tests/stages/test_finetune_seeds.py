import json

import pytest
from stage_support import TASK, Heard, step_of

from limbeck.config import references
from limbeck.errors import Diverged, Interrupted, ModelError, RecipeError
from limbeck.outlines import Outline
from limbeck.stages import finetune, stage_of
from limbeck.stages.finetune import FinetuneStep, members, running
from limbeck.tasks.encoded import encode_once
from limbeck.tasks.members import member_of, members_of
from limbeck.workspace import Workspace


def _step(world, **fields):
    return {"do": "finetune", "model": str(world.model), "data": world.data, **TASK, "updates": 3, **fields}


def _suite(world, folder, **fields):
    part = {"name": "one", "language": "en", "files": {**world.data, "train": "train.iob", "test": "test.iob"}}
    file = folder / "own.yaml"
    file.write_text(json.dumps({"datasets": [part, {**part, "name": "two"}]}))
    root = {"name": str(file), "root": str(world.train.parent)}
    step = _step(world, suite={**root, **fields})
    del step["data"]
    return step


def _diverging(monkeypatch, *seeds):
    """Makes the members of these seeds diverge."""
    fit = members.fit_member

    def fitted(*arguments):
        if arguments[-2] in seeds:
            raise Diverged("update 2: the loss is nan")
        return fit(*arguments)

    monkeypatch.setattr(members, "fit_member", fitted)


def test_a_seed_that_diverges_is_shown_and_the_others_count(tiny, make_step, monkeypatch):
    """One bad seed of five would throw away four trainings; left out without a word, it would flatter the rest."""
    _diverging(monkeypatch, 2)
    heard = Heard()
    made = make_step(_step(tiny, seeds=[1, 2, 3]), heard=heard)
    assert [member["seed"] for member in made.facts["members"]] == [1, 3]
    (failed,) = made.facts["failed"]
    assert (failed["seed"], failed["reason"]) == (2, "update 2: the loss is nan")
    assert any("seed 2 failed: update 2: the loss is nan" in line for line in heard.lines)


def test_when_every_seed_diverges_the_step_fails(tiny, make_step, monkeypatch):
    """A step without a model would fail later, and speak of a missing folder."""
    _diverging(monkeypatch, 1, 2)
    with pytest.raises(Diverged, match="the loss is nan"):
        make_step(_step(tiny, seeds=[1, 2]))


def test_a_search_takes_the_best_setting_for_all_seeds(tiny, make_step):
    """Arms with a rate that suits only one of them compare rates, not models."""
    heard = Heard()
    search = {"learning_rates": [1e-7, 1e-2]}
    made = make_step(_step(tiny, seeds=[1, 2], updates=60, search=search), heard=heard)
    bad, good = made.facts["tried"]
    assert bad["dev_score"] < good["dev_score"]
    assert [(row["chosen"], row["learning_rate"]) for row in made.facts["tried"]] == [(False, 1e-7), (True, 1e-2)]
    assert [member["learning_rate"] for member in made.facts["members"]] == [1e-2, 1e-2]
    assert made.facts["members"][0]["dev_score"] == good["dev_score"]
    assert (made.folder / "members/seed-1/model.safetensors").is_file()
    assert made.facts["updates"] == 180
    plain = make_step(_step(tiny, seeds=[1, 2], updates=60, learning_rate=1e-2))
    weights = [each.folder / "members/seed-1/model.safetensors" for each in (made, plain)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_search_goes_on_after_an_interruption(tiny, tmp_path, monkeypatch):
    """Tries that were done would be paid for twice."""
    step = step_of(_step(tiny, seeds=[1, 2], search={"learning_rates": [1e-4, 1e-2]}))
    assert not list(references(step))
    out = Workspace(tmp_path, "tags")
    train, calls = running.train_member, []

    def counted(*arguments, **named):
        calls.append(named["label"])
        if len(calls) == 3:
            raise Interrupted(15)
        return train(*arguments, **named)

    monkeypatch.setattr(running, "train_member", counted)
    with pytest.raises(Interrupted):
        finetune.run(step, {}, out)
    again = Workspace(tmp_path, "tags")
    again.facts = json.loads((tmp_path / ".scratch/facts.json").read_text())
    finetune.run(step, {}, again)
    assert calls == ["seed 1, setting 1", "seed 1, setting 2", "seed 2", "seed 2"]
    assert [member["folder"] for member in again.facts["members"]] == ["members/seed-1", "members/seed-2"]


def test_a_setting_that_diverges_is_not_chosen(tiny, make_step, monkeypatch):
    """The highest rate of a search is there to see whether it is too high."""
    fit = members.fit_member

    def fitted(model, teachers, objectives, batches, config, *rest):
        if config.learning_rate > 1:
            raise Diverged("update 2: the loss is nan")
        return fit(model, teachers, objectives, batches, config, *rest)

    monkeypatch.setattr(members, "fit_member", fitted)
    made = make_step(_step(tiny, search={"learning_rates": [5.0, 1e-3]}))
    assert [row["chosen"] for row in made.facts["tried"]] == [False, True]
    assert made.facts["tried"][0]["failed"] == "update 2: the loss is nan"
    with pytest.raises(Diverged, match="every setting of the search diverged"):
        make_step(_step(tiny, search={"learning_rates": [5.0, 6.0]}))


def test_a_search_of_one_setting_is_refused(tiny):
    """It would say that settings were compared."""
    with pytest.raises(RecipeError, match="tries one setting only; list several"):
        FinetuneStep.parse(_step(tiny, search={"learning_rates": [1e-4]}), "s")


def test_a_search_is_part_of_the_forecast(tiny):
    """A search of nine settings takes as long as nine seeds."""
    plain = finetune.outline(FinetuneStep.parse(_step(tiny, seeds=[1, 2]), "s"), {})
    search = {"learning_rates": [1e-4, 5e-4, 1e-3]}
    tried = finetune.outline(FinetuneStep.parse(_step(tiny, seeds=[1, 2], search=search), "s"), {})
    assert (plain.updates, tried.updates) == (6, 12)
    assert any("tries 3 settings with the first seed (learning rate 0.0001, 0.0005, 0.001)" in n for n in tried.notes)


def test_a_suite_makes_members_of_every_data_set(tiny, tmp_path, make_step):
    """Members that are mixed up are scored on another's questions."""
    made = make_step(_suite(tiny, tmp_path) | {"seeds": [1, 2]})
    assert [(m.data, m.seed, m.folder.relative_to(made.folder).as_posix()) for m in members_of(made)] == [
        (data, seed, f"{data}/members/seed-{seed}") for data in ("one", "two") for seed in (1, 2)
    ]
    assert [each["name"] for each in made.facts["datasets"]] == ["one", "two"]
    assert all((made.folder / name / "test.jsonl").is_file() for name in ("one", "two"))
    assert member_of(made, "two", 1).folder == made.folder / "two/members/seed-1"
    taught = make_step(_suite(tiny, tmp_path, only=["two"]) | {"teacher": "@t", "seeds": [1]}, {"@t": made})
    assert taught.facts["members"][0]["final"]["soft_labels"] >= 0


def test_one_model_of_a_suite_is_not_enough(tiny, tmp_path, make_step):
    """A model of the first data set would be exported as if it knew them all."""
    from limbeck.errors import ArtifactError

    made = make_step(_suite(tiny, tmp_path))
    with pytest.raises(ArtifactError, match="holds models of several data sets"):
        make_step({"do": "export", "model": "@t"}, {"@t": made})


def test_one_of_several_models_is_refused_when_planning(tiny, tmp_path):
    """The step after hours of training would be the one that says so."""
    suite = finetune.outline(FinetuneStep.parse(_suite(tiny, tmp_path), "s"), {})
    assert suite.datasets == ("one", "two")
    for fields in ({"do": "export", "model": "@t"}, {"do": "benchmark", "models": {"teacher": "@t"}}):
        step = step_of(fields)
        with pytest.raises(ModelError, match=r"@t makes models of several data sets \(one, two\), and one"):
            stage_of(step).outline(step, {"@t": suite})
    taught = FinetuneStep.parse(_suite(tiny, tmp_path) | {"teacher": "@t"}, "s")
    assert finetune.outline(taught, {"@t": suite}).model is not None


def test_either_data_or_a_suite(tiny, tmp_path):
    """With both, one of them would be left out without a word."""
    both = _suite(tiny, tmp_path) | {"data": tiny.data}
    with pytest.raises(RecipeError, match="give either `data` or `suite`; found both"):
        FinetuneStep.parse(both, "s")
    assert isinstance(finetune.outline(FinetuneStep.parse(_suite(tiny, tmp_path), "s"), {}), Outline)


def test_models_that_share_a_tokenizer_share_the_encoding(tiny):
    """Five arms would tokenise the same sentences five times."""
    from limbeck.models.loading import load_tokenizer
    from limbeck.tasks.token_classification.tagged_text import from_words
    from limbeck.tasks.token_classification.tagging import TokenClassification

    task, examples = TokenClassification(), [from_words(["a", "b"], ["O", "O"])]
    first, second = (
        encode_once(task, list(examples), load_tokenizer(str(tiny.model)), ["O", "B-X"], 32, 4) for _ in range(2)
    )
    assert first is second
    assert encode_once(task, examples, load_tokenizer(str(tiny.model)), ["O", "B-X"], 16, 4) is not first
