"""Whether teacher, student and objectives go together, known before any weights are read."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.artifacts import Artifact
from limbeck.errors import RecipeError
from limbeck.models.reduction import Reduction
from limbeck.objectives import needs_of
from limbeck.outlines import Outlines
from limbeck.signals import Needs, Shape
from limbeck.stages.distil.two_tokenizers import refuse_unaligned
from limbeck.teachers import CachedTeacher, Coverage, Provides, Reading

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from limbeck.stages.distil import DistilStep


def fitted(
    config: "DistilStep",
    student: "PreTrainedConfig",
    teachers: Sequence["PreTrainedConfig"],
    coverage: Coverage | None,
    apart: str | None = None,
) -> tuple["PreTrainedConfig", tuple[Needs, Needs]]:
    """The student's configuration, with the heads whose logits are read, and what is read of both.

    `apart`: see the function of that name.
    """
    from limbeck.models.counting import shape_of
    from limbeck.models.heads import answer_alike, masked_lm_config
    from limbeck.models.next_sentence import next_sentence_config
    from limbeck.models.task_heads import head_of

    ours, shapes = shape_of(student), [shape_of(teacher) for teacher in teachers]
    if apart:
        refuse_unaligned(config, apart)
    needs = needs_of(config.objectives, ours, shapes[0], apart=apart)
    provides = _provides(config, shapes, answer_alike(teachers), coverage)
    for objective in config.objectives:
        provides.check(f'objective "{objective.kind}"', objective.needs(ours, shapes[0])[1])
    config.teacher.check(needs[1])
    if needs[1].logits != "none" and head_of(teachers[0]):
        _check_tags(config, student, teachers)
        return student, needs
    if coverage and needs[0].pairs:
        raise RecipeError(
            "next_sentence reads the corpus as pairs of texts, and the cached teacher answered single ones; set"
            " teacher.kind: online, or leave next_sentence out"
        )
    if needs[0].logits != "none":
        student = masked_lm_config(student)
    return (next_sentence_config(student) if needs[0].pairs else student), needs


def projected(config: "PreTrainedConfig", needs: tuple[Needs, Needs]) -> tuple[Needs, Needs]:
    """Where student and teacher are projected on the vocabulary: nowhere, if their logits are tags."""
    from limbeck.models.task_heads import head_of

    return (Needs(), Needs()) if head_of(config) else needs


def coverage_of(config: "DistilStep", inputs: Mapping[str, Artifact] | Outlines) -> Coverage | None:
    """What the cache holds, or will hold; None where the teacher is run."""
    if not isinstance(config.teacher, CachedTeacher):
        return None
    made = inputs[config.teacher.source]
    return Coverage.open(made.folder) if isinstance(made, Artifact) else Coverage.model_validate(made.cache)


def check_coverage(config: "DistilStep", coverage: Coverage, epochs: float, **reading: Any) -> None:
    """Refuses a cache of another text, teacher, tokenizer, length, masking, seed, or of fewer epochs."""
    assert isinstance(config.teacher, CachedTeacher)
    masking = config.masking.model_dump(mode="json")
    coverage.check(config.teacher.source, Reading(masking=masking, seed=config.seed or 0, **reading))
    coverage.check_epochs(config.teacher.source, epochs)


def _provides(
    config: "DistilStep", shapes: Sequence[Shape], answers: Sequence[bool], coverage: Coverage | None
) -> Provides:
    """The teacher's signals; refuses to cut a student out of a cache."""
    if not isinstance(config.teacher, CachedTeacher):
        return config.teacher.provides(shapes, answers)
    assert coverage is not None
    if isinstance(config.student, Reduction) and config.teacher.model is None:
        raise RecipeError(
            f"no student can be cut out of {config.teacher.source}, which holds answers and no weights; name its"
            ' teacher as well, as in teacher: {kind: cached, from: "@cache", model: "@teacher"}, or name a student'
        )
    return coverage.provides(config.teacher.source)


def _check_tags(config: "DistilStep", student: "PreTrainedConfig", teachers: Sequence["PreTrainedConfig"]) -> None:
    """Refuses tags that cannot be compared: of another classifier, of masked words only, beside a vocabulary."""
    from limbeck.models.heads import require_same_labels, require_tags
    from limbeck.models.task_heads import head_of

    name, labels = config.teacher.models[0], teachers[0].id2label
    require_tags(name, teachers[0])
    require_same_labels(config.teacher.models, teachers)
    if head_of(student) != "tags" or student.id2label != labels:
        raise RecipeError(
            f"{name} tags tokens, and the student has no classifier of the same labels; cut the student"
            " out of the teacher, which keeps it: student: {layers: {keep: half}}"
        )
    for kind, does in (("mlm", "fills masks"), ("next_sentence", "judges pairs of texts")):
        if any(objective.kind == kind for objective in config.objectives):
            raise RecipeError(
                f"{name} tags tokens, so its student does too, and {kind} needs a student that {does};"
                f" leave {kind} out, or let a pretrain step come first"
            )
    if any(getattr(objective, "positions", "all") == "selected" for objective in config.objectives):
        raise RecipeError(
            f"{name} tags every token, and soft_labels would read the tags of masked words only; set positions: all"
        )
