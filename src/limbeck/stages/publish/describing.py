"""From what is known of a model to the parts of its card."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import limbeck
from limbeck.errors import RecipeError
from limbeck.onnx_files import ONNX_FILE
from limbeck.publishing.card import Card
from limbeck.publishing.exchanging import example
from limbeck.publishing.front_matter import DataSet, Result, front_matter
from limbeck.publishing.snippets import snippets
from limbeck.reports.markdown import scores_markdown, speed_markdown
from limbeck.reports.report import Report
from limbeck.reports.wording import count
from limbeck.runtime.folder import TASKS
from limbeck.stages.publish import origins
from limbeck.stages.publish.background import Background
from limbeck.stages.publish.costs import cost_sentences, emissions, machines, made_rows
from limbeck.stages.publish.limits import limit_sentences, use_sentences
from limbeck.stages.publish.probing import probe

if TYPE_CHECKING:
    from limbeck.stages.publish import PublishStep

Say = Callable[[str], None]

_IN_WORDS = {
    "question-answering": "a model that answers questions with a stretch of a given text",
    "token-classification": "a tagger: it finds and classifies stretches of a text",
    "text-classification": "a model that judges whole texts",
    "fill-mask": "a masked language model, to be fine-tuned",
    "feature-extraction": "an encoder without a head, to be fine-tuned",
}


def described(config: "PublishStep", known: Background, folder: Path, say: Say) -> tuple[Card, dict[str, Any]]:
    """The card, and what its probe found.

    Args:
        config: of the step.
        known: about the model.
        folder: of the exported model, which is asked the probe's sentences.
        say: is told what the probe found.

    Raises:
        RecipeError: no language is known.
    """
    shape = json.loads((folder / "config.json").read_text("utf-8"))
    task = task_of(shape)
    language = _languages(config, known)
    probed = probe(folder, task, language)
    say(probed.sentence)
    steps = known.weights.artifacts
    text, question = example(language[0])
    card = Card(
        name=config.to,
        front=front_matter(
            name=config.to,
            task=task,
            language=language,
            license=config.license,
            base_models=list(origins.base_models(steps.values())),
            datasets=origins.training_sets(steps.values()),
            results=_results(known),
            emissions=emissions(known),
        ),
        summary=_summary(config, known, shape, task, language),
        made=made_rows(known.made),
        data=origins.data_sentences(steps.values(), _corpora(known.made)),
        hardware="; ".join(machines(known.made, known)) or "not recorded",
        cost=cost_sentences(known),
        scores=_scores(known),
        speed=_speed(known),
        use=use_sentences(config.purpose, task, shape, language),
        limits=limit_sentences(known, task, shape, folder),
        probe=probed.found,
        no_probe=probed.reason,
        probe_language=probed.language,
        snippets=snippets(
            config.to,
            task,
            onnx=(folder / ONNX_FILE).is_file(),
            mask=probed.mask,
            text=text,
            question=question,
        ),
        year=known.exported.manifest.started[:4],
        version=limbeck.__version__,
    )
    return card, {"language": language, "task": task, "probe": [vars(each) for each in probed.found]}


def task_of(shape: dict[str, Any]) -> str:
    """What the Hub calls the task of a configuration's model."""
    named = str((shape.get("architectures") or [""])[0])
    return next((task for ending, task in TASKS.items() if named.endswith(ending)), "feature-extraction")


def _languages(config: "PublishStep", known: Background) -> list[str]:
    from limbeck.stages.publish import stated

    found = stated(config.language) or origins.languages(known.weights.artifacts.values())
    if not found:
        raise RecipeError(
            f"{config.to}: no step says which language its text is in; name it in the step publish, as in language: sv"
        )
    return found


def _summary(
    config: "PublishStep", known: Background, shape: dict[str, Any], task: str, language: list[str]
) -> list[str]:
    """What the model is, what it comes from."""
    facts = known.exported.facts
    layers = shape.get("num_hidden_layers") or shape.get("n_layers")
    width = shape.get("hidden_size") or shape.get("dim")
    size = (
        f"{count(facts['parameters'])} parameters, {count(facts['parameters_without_embeddings'])} of them outside the"
    )
    told = [
        f"{config.to.rpartition('/')[2]} is {_IN_WORDS[task]} (language: {', '.join(language)}).",
        f"Its architecture is `{shape.get('model_type')}`, {layers} layers of width {width}: {size} embeddings.",
    ]
    ids = origins.base_models(known.weights.artifacts.values())
    others = origins.other_models(known.weights.artifacts.values())
    sources = [f"[{id}](https://huggingface.co/{id})" for id in ids] + others
    if sources:
        verb = "was distilled" if _does(known, "distil") else "was made"
        told.append(
            f"It {verb} from {' and '.join(sources)} with Limbeck, and every number below was measured by that run."
        )
    return told


def _does(known: Background, do: str) -> bool:
    return any(each.manifest.do == do for each in known.weights.artifacts.values())


def _corpora(made: Report) -> dict[str, tuple[int | None, int | None]]:
    return {row.step: (row.documents, row.characters) for row in made.corpora}


def _results(known: Background) -> list[Result]:
    """Scores of the very weights: of the seed they come from, or the mean where there is one seed."""
    if not known.itself:
        return []
    sets = origins.hub_sets(known.whole.artifacts.values())
    found = []
    for row in known.report.scores:
        own = row.seed == known.seed if known.seed is not None else row.is_mean
        if row.model in known.names and own and row.value is not None:
            found.append(Result(sets.get(row.data, DataSet(row.data or row.task)), row.metric, row.value))
    return found


def _scores(known: Background) -> str:
    if not known.report.scores:
        return "No step scored this model; nothing is known of how well it does."
    how = f"Means over seeds and 95 % intervals over {known.report.examples or 'the'} test examples and seeds."
    if not known.itself:
        how += " The rows in bold are models fine-tuned from this one, which by itself does not do the task."
    elif known.seed is not None and any(isinstance(row.seed, int) for row in known.report.scores):
        how += f" The published weights are those of seed {known.seed}."
    return f"{how}\n\n{scores_markdown(known.report, known.names)}"


def _speed(known: Background) -> str:
    if not known.report.speed:
        return "No step timed this model."
    where = "; ".join(machines(known.report, known, "benchmark")) or "a machine that was not recorded"
    threads = known.report.threads
    how = f"Median latency of a batch and throughput, on {where}, {threads} thread{'' if threads == 1 else 's'}."
    return f"{how}\n\n{speed_markdown(known.report, known.names)}"
