"""One module per step of a recipe; `STAGES` is the only table of them."""

from importlib import import_module
from types import ModuleType
from typing import Annotated

from pydantic import Field

from limbeck.config import Step
from limbeck.stages.benchmark import BenchmarkStep
from limbeck.stages.cache import CacheStep
from limbeck.stages.corpus import CorpusStep
from limbeck.stages.distil import DistilStep
from limbeck.stages.evaluate import EvaluateStep
from limbeck.stages.export import ExportStep
from limbeck.stages.finetune import FinetuneStep
from limbeck.stages.gate import GateStep
from limbeck.stages.pretrain import PretrainStep
from limbeck.stages.publish import PublishStep
from limbeck.stages.shrink import ShrinkStep
from limbeck.stages.tokenizer import TokenizerStep

AnyStep = Annotated[
    CorpusStep
    | TokenizerStep
    | ShrinkStep
    | PretrainStep
    | CacheStep
    | DistilStep
    | FinetuneStep
    | EvaluateStep
    | BenchmarkStep
    | GateStep
    | ExportStep
    | PublishStep,
    Field(discriminator="do"),
]


def stage_of(step: Step) -> ModuleType:
    """The module that makes a step: it has `REVISION`, `KIND`, `outline`, `run`; some have `preview`, `rehearse`."""
    return import_module(".".join(type(step).__module__.split(".")[:3]))
