"""The step `finetune`: a model learns a task, once per seed, with or without a teacher."""

from limbeck.stages.finetune.forecast import KIND, outline, rehearse
from limbeck.stages.finetune.running import run
from limbeck.stages.finetune.step import FinetuneStep

__all__ = ["KIND", "REVISION", "FinetuneStep", "outline", "rehearse", "run"]

REVISION = 4
