"""Distillation while a task is learned, with every kind of objective and every task beside token classification."""

import random

import pytest
from stage_support import TASK

import tiny_questions
from limbeck.errors import TrainingError
from tiny_world import WORDS

LABELS = [{"kind": "hard_labels", "weight": 0.5}, {"kind": "soft_labels", "weight": 0.5, "loss": "mse"}]
"""Without them nothing trains the head, and the gradient audit stops."""
OBJECTIVES = {
    "hidden": [{"kind": "hidden_mse"}],
    "attention": [{"kind": "attention_mse"}],
    "relations": [{"kind": "relation_kl", "of": of, "heads": 4} for of in ("queries", "keys", "values")],
}
DATA = ("questions", "classes", "pairs", "numbers")


@pytest.fixture(scope="session")
def learned(tiny, tmp_path_factory, make_step):
    """Data of a task and two teachers of it, made when first asked for."""
    made = {}

    def of(name):
        if name not in made:
            data = _data(name, tmp_path_factory.mktemp(name))
            step = {"do": "finetune", "model": str(tiny.model), "data": data, **TASK, "updates": 20, "seeds": [1, 2]}
            made[name] = data, make_step({**step, "length": 32, "stride": 4})
        return made[name]

    return of


def _data(name, folder):
    if name == "questions":
        return tiny_questions.squad_data(folder, train=60, test=10)
    random_ = random.Random(0)
    rows = ["text\tother\tlabel"]
    for number in range(60):
        first, second = (" ".join(random_.choices(WORDS, k=6)) for _ in range(2))
        rows.append(f"{first}\t{second}\t{number % 2 if name != 'numbers' else random_.random()}")
    (folder / "train.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    target = {"target": "number"} if name == "numbers" else {}
    columns = {"pair": "other"} if name == "pairs" else {}
    return {"kind": "table", "train": str(folder / "train.tsv"), "columns": columns, **target}


@pytest.fixture(scope="session")
def half(tiny, make_step):
    """A student of two of its four layers."""
    return make_step({"do": "shrink", "model": str(tiny.model), "layers": {"keep": 2, "from": "bottom"}})


@pytest.mark.parametrize("objectives", OBJECTIVES)
@pytest.mark.parametrize("name", DATA)
def test_every_objective_is_learned_in_every_task(learned, half, make_step, name, objectives):
    """A term that is silently 0 in a task is a second step that never was."""
    data, teacher = learned(name)
    step = {"do": "finetune", "model": "@half", "teacher": "@t", "data": data, **TASK, "updates": 12}
    step |= {"length": 32, "stride": 4, "objectives": [*LABELS, *OBJECTIVES[objectives]]}
    made = make_step(step, {"@half": half, "@t": teacher})
    final = made.facts["members"][0]["final"]
    terms = [value for key, value in final.items() if key.startswith(("hidden_", "attention", "relation", "soft"))]
    assert len(terms) == 1 + len(OBJECTIVES[objectives])
    assert all(0 < value < 1e4 for value in terms)


def test_a_head_that_nothing_trains_is_refused(learned, half, make_step):
    """Hidden states alone leave the classifier as it fell, and the model answers at random."""
    data, teacher = learned("classes")
    step = {"do": "finetune", "model": "@half", "teacher": "@t", "data": data, **TASK, "updates": 2}
    with pytest.raises(TrainingError, match=r"classifier.weight.* not connected|gradient audit stopped"):
        make_step({**step, "objectives": OBJECTIVES["hidden"]}, {"@half": half, "@t": teacher})


@pytest.mark.parametrize("name", DATA)
def test_several_teachers_teach_every_task(learned, half, make_step, name):
    """The mean of two teachers of places, classes or numbers is not one of them."""
    data, teacher = learned(name)
    both = {"kind": "ensemble", "members": ["@t", {"model": str(teacher.folder / "members/seed-2")}]}
    step = {"do": "finetune", "model": "@half", "data": data, **TASK, "updates": 4, "seeds": [1]}
    step |= {"length": 32, "stride": 4}
    finals = [
        make_step({**step, "teacher": one}, {"@half": half, "@t": teacher}).facts["members"][0]["final"]["soft_labels"]
        for one in (both, "@t")
    ]
    assert finals[0] != finals[1]
    assert all(0 < final < 1e4 for final in finals)
