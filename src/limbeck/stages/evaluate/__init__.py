"""The step `evaluate`: every model on the same test examples, intervals, and the verdict."""

from limbeck.outlines import Outline, Outlines
from limbeck.stages.evaluate.running import run
from limbeck.stages.evaluate.step import EvaluateStep
from limbeck.tasks.raw_data import Raw

__all__ = ["KIND", "REVISION", "EvaluateStep", "outline", "run"]

REVISION = 8
KIND = "scores"


def outline(config: EvaluateStep, inputs: Outlines) -> Outline:
    """What will be compared, on what; files that are missing are found before anything runs."""
    tests = [config.data.called] if isinstance(config.data, Raw) else [test.name for test in config.named_tests()]
    on = f" on {', '.join(tests)}" if tests else " on the same examples"
    return Outline(makes=KIND, notes=(f"compares {', '.join(config.models)}{on}",))
