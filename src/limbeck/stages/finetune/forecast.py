"""What fine-tuning will cost, and whether model, teachers and objectives go together."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.errors import ModelError
from limbeck.objectives import needs_of
from limbeck.outlines import Outline, Outlines
from limbeck.signals import Batch, Head
from limbeck.stages.finetune.augmenting import masked_lm_of
from limbeck.stages.finetune.members import fit_member
from limbeck.stages.finetune.reading import splits_of
from limbeck.stages.finetune.step import FinetuneStep
from limbeck.tasks.suites import Dataset
from limbeck.tasks.task_names import TaskName

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from limbeck.models.costs import Work
    from limbeck.tasks.splits import Splits
    from limbeck.training.history import History

KIND = "members"
REHEARSED = ("O", "B-X", "I-X")
"""Classes of a model that is timed."""
REHEARSED_LENGTH = 128
"""Most sentences are shorter than the longest window that is allowed."""
HEADLESS = {
    "tags": "has no classifier of tokens",
    "span": "does not answer questions",
    "class": "has no classifier of texts",
    "value": "says no number of a text",
}
"""What a teacher lacks, by the head that the task needs."""


def outline(config: FinetuneStep, inputs: Outlines) -> Outline:
    """Shapes and cost. Files are read, so that what is wrong in them is found before anything runs."""
    from limbeck.models.costs import training_outline
    from limbeck.models.counting import longest_sequence
    from limbeck.models.loading import model_config
    from limbeck.models.looking import Looks
    from limbeck.models.task_heads import task_config
    from limbeck.tasks.data import task_of
    from limbeck.training.probing import looks_at

    before = model_config(config.model, inputs)
    teachers = [model_config(ref, inputs, of_each=config.suite is not None) for ref in config.models[1:]]
    datasets = config.datasets()
    read = [_forecast_splits(dataset, config) for dataset in datasets]
    tasks = [task_of(dataset.data) for dataset in datasets]
    for task in tasks:
        _check_teachers(config, task.name, task.head, before, teachers)
    filler = (
        masked_lm_of(config.augment, config.fillers, lambda ref: model_config(ref, inputs)) if config.augment else ""
    )
    longest = longest_sequence(config.length, before, *teachers)
    work = _together([_work(config, splits, longest) for splits in read])
    members = config.trainings * len(datasets)
    made = task_config(before, tasks[0].head, tasks[0].labels(read[0].train) if read[0] else ())
    looks = members * looks_at((work.updates or 0) // members)
    forecast = training_outline(
        made,
        work,
        config.batch,
        teachers=teachers,
        passes=config.passes,
        looks=Looks(looks, len(config.objectives_for(tasks[0].name))),
        makes=KIND,
        members=len(config.all_seeds) * len(datasets),
        notes=_notes(config, datasets, read, before, teachers, filler),
    )
    several = tuple(dataset.name for dataset in datasets) if len(datasets) > 1 else ()
    return forecast.model_copy(update={"datasets": several})


def rehearse(config: FinetuneStep, inputs: Outlines) -> float:
    """Tokens per second of a few updates of these shapes, on short sequences, on this device."""
    from limbeck.models.counting import longest_sequence
    from limbeck.models.loading import model_config, random_model
    from limbeck.models.task_heads import task_config
    from limbeck.training.rehearsal import tokens_per_second
    from limbeck.workspace import temporary_workspace

    shapes = [task_config(model_config(ref, inputs, of_each=True), "tags", REHEARSED) for ref in config.models]
    model, *teachers = map(random_model, shapes)
    objectives = config.objectives_for("token_classification")

    def train(batches: Callable[[int], Sequence[Batch]], updates: int) -> "History":
        with temporary_workspace() as place:
            return fit_member(model, teachers, objectives, batches, config, updates, place)

    return tokens_per_second(
        train,
        vocabulary=model.config.vocab_size,
        batch=config.batch,
        length=longest_sequence(min(config.length, REHEARSED_LENGTH), *shapes),
        classes=len(REHEARSED),
        labelled=0.7,
    )


def _forecast_splits(dataset: Dataset, config: FinetuneStep) -> "Splits[Any] | None":
    """The examples, where they are in files: a data set of the Hub is fetched when it is needed."""
    from limbeck.tasks.sources import Files

    return splits_of(dataset, config.seed or 0, {}) if isinstance(dataset.data, Files) else None


def _notes(
    config: FinetuneStep,
    datasets: Sequence[Dataset],
    read: Sequence["Splits[Any] | None"],
    model: "PreTrainedConfig",
    teachers: Sequence["PreTrainedConfig"],
    filler: str,
) -> tuple[str, ...]:
    from limbeck.models.counting import shape_of

    shapes = shape_of(model), shape_of(teachers[0]) if teachers else None
    seeds = config.all_seeds
    names = [f"{dataset.name}: " if config.suite else "" for dataset in datasets]
    losses = {
        " + ".join(each.sentence(*shapes) for each in config.objectives_for(dataset.data.task)): None
        for dataset in datasets
    }
    return (
        *(f"{name}{len(part.train):,} training examples" for name, part in zip(names, read, strict=True) if part),
        f"{len(seeds)} {'model' if len(seeds) == 1 else 'models'}, seed {', '.join(map(str, seeds))}"
        + (f", for each of {len(datasets)} data sets" if config.suite else ""),
        *([config.search.sentence()] if config.search else []),
        *([config.unlabelled.sentence()] if config.unlabelled else []),
        *([config.augment.sentence(filler)] if config.augment else []),
        *(f"loss: {loss}" for loss in losses),
        config.sentence(),
        *(["starts from fresh weights"] if config.untrained else []),
        *(["frozen: encoder"] if config.freeze_encoder else []),
    )


def _check_teachers(
    config: FinetuneStep,
    task: TaskName,
    head: Head,
    model: "PreTrainedConfig",
    teachers: Sequence["PreTrainedConfig"],
) -> None:
    """Refuses objectives that do not suit the task, and teachers that cannot give what they read."""
    from limbeck.models.counting import shape_of
    from limbeck.models.task_heads import head_of

    objectives = config.objectives_for(task)
    for objective in objectives:
        objective.check_head(head)
    if config.teacher is None:
        needs_of(objectives, shape_of(model), None)
        return
    shapes = [shape_of(teacher) for teacher in teachers]
    needs = needs_of(objectives, shape_of(model), shapes[0])
    # A teacher that learned a suite is known here by the first of its models.
    alike = [config.suite is not None or head_of(each) == head for each in teachers]
    headless = [ref for ref, fits in zip(config.teacher.models, alike, strict=True) if not fits]
    if needs[1].logits != "none" and headless:
        raise ModelError(
            f"the teacher {headless[0]} {HEADLESS[head]}, so it gives no soft labels;"
            ' fine-tune it first and name that step, as in teacher: "@teacher_tags"'
        )
    config.teacher.check(needs[1])
    config.teacher.provides(shapes, [True] * len(shapes))


def _work(config: FinetuneStep, splits: "Splits[Any] | None", length: int) -> "Work":
    """What all members of one data set together read, tries included; not known before the examples are."""
    from limbeck.models.costs import Work
    from limbeck.tasks.splits import estimated_tokens

    trainings = _lengths(config)
    if splits is None:
        given = [each.updates for each in trainings]
        return Work(sum(filter(None, given)) if all(given) else None, None, length, length)
    more = 1 + config.taught_alone(len(splits.train)) / len(splits.train)
    tokens = estimated_tokens(splits.train) * more
    windows = max(round(len(splits.train) * more), round(tokens / length))
    updates = sum(each.planned_updates(max(1, windows // config.batch)) for each in trainings)
    return Work(updates, updates * config.accumulate * config.batch * tokens / windows, tokens / windows, length)


def _lengths(config: FinetuneStep) -> list[FinetuneStep]:
    """The settings of each training; of a search, which has not chosen yet, the longest for all further seeds."""
    if config.search is None:
        return [config] * len(config.all_seeds)
    tried = [config.model_copy(update=setting) for setting in config.search.settings()]
    longest = max(tried, key=lambda each: each.epochs or 0)
    return tried + [longest] * (len(config.all_seeds) - 1)


def _together(works: Sequence["Work"]) -> "Work":
    """The work on all data sets; known if every part is."""
    from limbeck.models.costs import Work

    if len(works) == 1:
        return works[0]
    updates, tokens = [work.updates for work in works], [work.tokens for work in works]
    known = None not in tokens
    lengths = [work.length for work in works]
    return Work(
        sum(filter(None, updates)) if None not in updates else None,
        sum(filter(None, tokens)) if known else None,
        sum(lengths) / len(lengths),
        works[0].longest,
    )
