"""Several teachers of one tokenizer that answer together; they may differ in depth and width.

N positions, V classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from limbeck.config import Config, ModelSource
from limbeck.errors import RecipeError
from limbeck.signals import Batch, Needs, Outputs, Shape
from limbeck.teachers.base import Teacher
from limbeck.teachers.online import of_model
from limbeck.teachers.providing import Provides

if TYPE_CHECKING:
    from torch import Tensor


class EnsembleMember(Config):
    """One of several teachers."""

    model: ModelSource
    weight: float = Field(default=1.0, ge=0)
    """Its share in the logits, relative to the other members'."""


def _spelled_out(value: Any) -> Any:
    """A bare model is a member of weight 1."""
    return {"model": value} if isinstance(value, str) else value


class EnsembleTeacher(Config):
    """Several models of one tokenizer. Logits are their weighted mean; layers are the first member's."""

    kind: Literal["ensemble"] = "ensemble"
    members: list[Annotated[EnsembleMember, BeforeValidator(_spelled_out)]] = Field(min_length=2)
    """Models, or `{model: ..., weight: 0.7}`; a bare model has weight 1. The first one's layers are matched."""

    @field_validator("members")
    @classmethod
    def _weigh_something(cls, members: list[EnsembleMember]) -> list[EnsembleMember]:
        if not any(member.weight for member in members):
            raise ValueError("the weights of the members sum to 0, so nobody would teach; give one a weight above 0")
        return members

    @property
    def models(self) -> list[str]:
        """What has to be loaded."""
        return [member.model for member in self.members]

    def sentence(self) -> str:
        """Who teaches, in words."""
        total = sum(member.weight for member in self.members)
        shares = ", ".join(f"{member.model} ({member.weight / total:.0%})" for member in self.members)
        return f"learns from the mean of {shares}, and from the layers of the first"

    def provides(self, shapes: Sequence[Shape], answers: Sequence[bool]) -> Provides:
        """The first member's layers, and logits if all members have a head for them.

        Raises:
            RecipeError: the members' logits are of different classes.
        """
        for model, shape in zip(self.models, shapes, strict=True):
            if shape.vocabulary != shapes[0].vocabulary:
                raise RecipeError(
                    f"the members of an ensemble need one tokenizer; {self.models[0]} has a vocabulary of"
                    f" {shapes[0].vocabulary} and {model} one of {shape.vocabulary}; leave one of them out"
                )
        headless = next((place for place, answer in enumerate(answers) if not answer), 0)
        layers, logits = (of_model(self.models[place], shapes[place], answers[place]) for place in (0, headless))
        signals = replace(layers.signals, logits=logits.signals.logits)
        return Provides(logits.teacher, signals, {**layers.advice, "logits": logits.advice["logits"]})

    def check(self, needs: Needs) -> None:
        """Refuses objectives from which only the first member would teach.

        Raises:
            RecipeError: they read no logits.
        """
        if needs.logits == "none":
            raise RecipeError(
                "the objectives read no logits, and hidden states and attention are the first member's alone, so the"
                f" other members would teach nothing; add soft_labels, or name {self.models[0]} as the only teacher"
            )

    def join(self, members: Sequence[Teacher]) -> Teacher:
        """The one teacher that its models make."""
        return Ensemble(members, [member.weight for member in self.members])


class Ensemble(Teacher):
    """Answers with the weighted mean of its members' logits and with the layers of the first.

    The mean of logits is the geometric mean of the members' distributions, normalised again, at every temperature
    alike (Hinton et al., arXiv 1503.02531, section 2, allow it beside the arithmetic one); TextBrewer's
    multi-teacher distiller does the same with equal weights. You et al. (KDD 2017) take the arithmetic mean of
    softened probabilities, which depends on the objective's temperature and says nothing of logits themselves.
    """

    def __init__(self, members: Sequence[Teacher], weights: Sequence[float]) -> None:
        """`weights` are relative: they are divided by their sum, which is not 0."""
        self.shape = members[0].shape
        self._members = members
        self._weights = [weight / sum(weights) for weight in weights]

    def __call__(self, batch: Batch, needs: Needs) -> Outputs:
        """The signals in `needs`; members are run one after another, and only those that are read."""
        heard = needs.logits != "none"
        first = needs if self._weights[0] else replace(needs, logits="none")
        outputs = self._members[0](batch, first) if first != Needs() else Outputs()
        if heard:
            outputs.logits = self._mean(outputs.logits, batch, Needs(logits=needs.logits))
        return outputs

    def _mean(self, first: Tensor | None, batch: Batch, needs: Needs) -> Tensor:
        """Weighted mean of the logits, (N, V) or (B, T, V), in float32; `first` are those of the first member."""
        total = None if first is None else self._weights[0] * first.float()
        for member, weight in zip(self._members[1:], self._weights[1:], strict=True):
            if weight:
                logits = member(batch, needs).logits
                assert logits is not None
                total = weight * logits.float() if total is None else total + weight * logits.float()
        assert total is not None
        return total
