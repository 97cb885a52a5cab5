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
    from limbeck.corpora.documents import read_all
    from limbeck.evaluation.frozen_probe import Trying
    from limbeck.models.counting import shape_of
    from limbeck.models.reading import last_hidden
    from limbeck.tasks.data import load
    from limbeck.tasks.frozen_probe import FrozenProbe
    from limbeck.training.precision import placed

    assert config.probe is not None
    splits = load(config.probe.data, config.seed or 0, lambda ref: read_all(inputs[ref].folder))
    probe = FrozenProbe.of(config.probe, splits, tokenizer, shape_of(student.config).positions)
    trying = Trying(probe, out, must_learn=config.probe.must_learn)
    trying.before(partial(last_hidden, placed(student)))
    return trying
