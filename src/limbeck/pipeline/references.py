"""Are the `@step` references of a recipe sound? Existence, order, cycles, and kinds of artifact."""

from collections.abc import Mapping

from limbeck.config import Step, StepRef, did_you_mean, references
from limbeck.errors import RecipeError
from limbeck.stages import stage_of

_MEANING = {
    "corpus": "a corpus",
    "cache": "a teacher's answers",
    "model": "a model",
    "tokenizer": "a tokenizer",
    "members": "fine-tuned models",
    "scores": "the scores of an evaluate step",
    "speed": "the figures of a benchmark step",
    "gate": "the outcome of a gate",
    "published": "a folder to publish",
}


def check_references(steps: Mapping[str, Step], where: str) -> None:
    """Checks every reference.

    Raises:
        RecipeError: one line per reference that cannot be followed.
    """
    problems = []
    earlier: list[str] = []
    for name, step in steps.items():
        for reference in references(step):
            problem = _problem(name, reference, steps, earlier)
            if problem:
                problems.append(f"{where}.steps.{name}: {problem}")
        earlier.append(name)
    if problems:
        raise RecipeError("\n".join(problems))


def needed_for(steps: Mapping[str, Step], target: str) -> set[str]:
    """The step `target` and every step that it rests on."""
    needed = {target}
    for name in reversed(list(steps)):
        if name in needed:
            needed |= {reference.step for reference in references(steps[name])}
    return needed


def _problem(name: str, reference: StepRef, steps: Mapping[str, Step], earlier: list[str]) -> str | None:
    target = reference.step
    if target not in steps:
        return f"{reference} refers to no step of this recipe{did_you_mean(target, list(steps))}"
    if target not in earlier:
        cycle = _path(target, name, steps, ())
        if cycle:
            return f"the references form a cycle: {' -> '.join((name, *cycle))}"
        return f"{reference} comes later in the recipe; move {target} above {name}"
    kind = stage_of(steps[target]).KIND
    if kind not in reference.kinds:
        wanted = " or ".join(_MEANING[k] for k in reference.kinds)
        return f"{reference} is {_MEANING[kind]}, and what is needed there is {wanted}"
    return None


def _path(start: str, goal: str, steps: Mapping[str, Step], seen: tuple[str, ...]) -> tuple[str, ...] | None:
    """Steps from `start` to `goal` along references, both included."""
    if start == goal:
        return (goal,)
    if start in seen or start not in steps:
        return None
    for reference in references(steps[start]):
        rest = _path(reference.step, goal, steps, (*seen, start))
        if rest:
            return (start, *rest)
    return None
