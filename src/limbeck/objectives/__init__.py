"""Terms of the loss: pure arithmetic with thin specs beside it; `AnyObjective` is the only list of them."""

from typing import Annotated

from pydantic import Field

from limbeck.objectives.attention_kl import AttentionKL
from limbeck.objectives.attention_mse import AttentionMSE
from limbeck.objectives.base import Objective
from limbeck.objectives.combining import CombinedLoss, combine, learned_by, needs_of
from limbeck.objectives.hard_labels import HardLabels
from limbeck.objectives.hidden_cosine import HiddenCosine
from limbeck.objectives.hidden_mse import HiddenMSE
from limbeck.objectives.logit_cosine import LogitCosine
from limbeck.objectives.mlm import MLM
from limbeck.objectives.next_sentence import NextSentence
from limbeck.objectives.presets import preset
from limbeck.objectives.relation_kl import RelationKL
from limbeck.objectives.relational import RelationalAngles, RelationalDistances
from limbeck.objectives.soft_labels import SoftLabels

AnyObjective = Annotated[
    SoftLabels
    | LogitCosine
    | HiddenMSE
    | HiddenCosine
    | AttentionMSE
    | AttentionKL
    | RelationKL
    | RelationalDistances
    | RelationalAngles
    | MLM
    | NextSentence
    | HardLabels,
    Field(discriminator="kind"),
]

__all__ = [
    "MLM",
    "AnyObjective",
    "AttentionKL",
    "AttentionMSE",
    "CombinedLoss",
    "HardLabels",
    "HiddenCosine",
    "HiddenMSE",
    "LogitCosine",
    "NextSentence",
    "Objective",
    "RelationKL",
    "RelationalAngles",
    "RelationalDistances",
    "SoftLabels",
    "combine",
    "learned_by",
    "needs_of",
    "preset",
]
