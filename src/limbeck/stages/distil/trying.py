"""The probe of a distillation: what the student is worth to a task with its encoder frozen, before and after."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from limbeck.artifacts import Artifact
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from limbeck.evaluation.frozen_probe import Trying
    from limbeck.stages.distil import DistilStep


def tried(
    config: "DistilStep",
    student: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    inputs: Mapping[str, Artifact],
    out: Workspace,
) -> "Trying":
    """Tries the student that is to be distilled."""
    from limbeck.corpora.documents import SPLITS, read
    from limbeck.evaluation.frozen_probe import Trying
    from limbeck.models.counting import shape_of
    from limbeck.models.reading import last_hidden
    from limbeck.tasks.frozen_probe import FrozenProbe, splits_of
    from limbeck.training.precision import placed

    assert config.probe is not None
    seed = config.seed or 0
    splits = splits_of(config.probe, seed, lambda ref: (d for s in SPLITS for d in read(inputs[ref].folder, s)))
    probe = FrozenProbe.of(config.probe, splits, tokenizer, shape_of(student.config).positions)
    trying = Trying(probe, out, must_learn=config.probe.must_learn)
    trying.before(partial(last_hidden, placed(student)))
    return trying
