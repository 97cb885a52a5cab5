"""The models that are compared, each with all its members."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from limbeck.artifacts import Artifact
from limbeck.errors import RecipeError
from limbeck.stages.evaluate.step import EvaluateStep, listed
from limbeck.tasks.members import Member, members_of


@dataclass(frozen=True)
class Arm:
    """One name, and the fine-tunings that stand for it."""

    name: str
    artifacts: Sequence[Artifact]

    @cached_property
    def datasets(self) -> dict[str, Mapping[str, Any]]:
        """What its models learned: name to what the fine-tuning says of it; in all of its steps the same."""
        return {dataset["name"]: dataset for dataset in self.artifacts[0].facts["datasets"]}

    def learned_for(self, test: str) -> str:
        """Name of the data set whose members answer a test.

        Raises:
            RecipeError: they learned several, and none of that name.
        """
        if len(self.datasets) == 1:
            return next(iter(self.datasets))
        if test in self.datasets:
            return test
        raise RecipeError(
            f"{self.name} learned {', '.join(self.datasets)}, and which of its models is to answer {test} is not clear;"
            " give the test the name of one of these"
        )

    def members(self, learned: str) -> Iterator[tuple[Artifact, Member]]:
        """Those that learned that data set, with the step that they are of."""
        for artifact in self.artifacts:
            for member in members_of(artifact, learned):
                yield artifact, member

    def seeds(self, learned: str) -> list[int]:
        """Of these members, which their scores and predictions are told apart by."""
        seeds = [member.seed for _, member in self.members(learned)]
        for place, seed in enumerate(seeds):
            if seed in seeds[:place]:
                raise RecipeError(
                    f"two models under {self.name} have the seed {seed}; give the steps in the list other seeds"
                )
        return seeds

    def failed(self, learned: str) -> dict[int, str]:
        """Seeds that made no model, and why."""
        rows = [row for artifact in self.artifacts for row in artifact.facts.get("failed", [])]
        return {row["seed"]: row["reason"] for row in rows if row["data"] == learned}


def arms_of(config: EvaluateStep, inputs: Mapping[str, Artifact]) -> list[Arm]:
    """Every model of the recipe."""
    return [Arm(name, [inputs[ref] for ref in listed(refs)]) for name, refs in config.models.items()]
