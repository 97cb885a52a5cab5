"""How good a member is on development data, and what its task settles there."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from limbeck.tasks.suites import Dataset
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from limbeck.tasks.encoded import EncodedTask


def judge(
    model: "PreTrainedModel", data: "EncodedTask[Any, Any]", dataset: Dataset, out: Workspace, label: str
) -> dict[str, Any]:
    """The member's facts: its score by the first metric, what is to be noted of it, and the settings it settled."""
    from limbeck.evaluation.measures import point
    from limbeck.evaluation.metrics import measure_of, shown
    from limbeck.evaluation.metrics.answers import f1_of_each
    from limbeck.tasks.predicting import reader_of, window_logits

    task = data.task
    gold = [task.gold(example) for example in data.dev_examples]
    logits = window_logits(task, reader_of(model), data.dev, data.pad)
    answers = task.decode(data.dev_examples, data.dev, logits, data.labels)
    settled = task.settled(data.dev_examples, answers, partial(f1_of_each, language=dataset.language))
    if settled:
        task = replace(task, **settled)
        answers = task.decode(data.dev_examples, data.dev, logits, data.labels)
    metric = dataset.data.metrics[0]
    measure = measure_of(metric, gold, [answer.said for answer in answers], dataset.language)
    score = point(measure)
    told = [*measure.notes, *(f"{name} {value:.2f}" for name, value in settled.items())]
    out.say(f"{label}: development {shown(metric)} {score:.3f}" + (f" ({', '.join(told)})" if told else ""))
    return {"dev_score": score, "notes": list(measure.notes), "settled": settled}
