"""Whether losses come out the same from what is stored as from the teacher itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from limbeck.errors import ArtifactError
from limbeck.objectives import HiddenMSE, SoftLabels
from limbeck.signals import Batch, Needs, Outputs
from limbeck.stages.cache.writing import ask
from limbeck.teachers import Cached, Coverage, Teacher
from limbeck.workspace import Workspace

if TYPE_CHECKING:
    from limbeck.stages.cache import CacheStep

TOLERANCE = {"float16": 2e-3, "float32": 1e-5}
"""Largest share by which a loss on the stored numbers may differ from one on the teacher's own."""


def compare(
    config: "CacheStep", coverage: Coverage, teacher: Teacher, needs: Needs, first: Batch, out: Workspace
) -> None:
    """Computes losses on the first batch from what the teacher says and from what is read back.

    A stand-in for the student says of each token what the teacher says of its neighbour. What the largest logits
    leave out is told, since it was asked for; whatever else differs is an error of storing.

    Raises:
        ArtifactError: a loss differs by more than rounding explains.
    """
    batch, online = ask(teacher, first, needs, config)
    cached = Cached(out.folder, teacher.shape)(batch, needs)
    student = _neighbours(online)
    limit, differences = TOLERANCE[config.store.numbers], {}
    for name, objective in _compared(coverage):
        full, ours = (float(objective.total(student, each, batch)) for each in (online, cached))
        theirs = float(objective.total(student, _as_stored(coverage, online), batch))
        differences[name] = abs(ours - theirs) / max(abs(full), 1e-12)
        if not differences[name] <= limit:
            raise ArtifactError(
                f"the loss on {name} is {ours:.6g} from the cache and {theirs:.6g} from the teacher; delete"
                f" {out.folder} and run again, or set teacher.kind: online in the step that reads it"
            )
        if isinstance(objective, SoftLabels) and cached.top is not None:
            _say_left_out(cached, objective.temperature, (full - theirs) / max(full, 1e-12), out)
    out.facts["difference"] = differences
    out.say(
        f"read back, the losses of the first batch differ from the teacher's by at most {max(differences.values()):.1e}"
    )


def _compared(coverage: Coverage) -> Iterator[tuple[str, HiddenMSE | SoftLabels]]:
    for layer in coverage.store.layers(coverage.depth):
        yield f"hidden states of layer {layer}", HiddenMSE(layers=[(layer, layer)])
    if coverage.store.logits:
        for each in coverage.store.logits.temperatures:
            named = f"logits at temperature {each:g}"
            yield named, SoftLabels(temperature=each, positions=coverage.store.logits.positions)


def _neighbours(outputs: Outputs) -> Outputs:
    """What a teacher gives, moved on by one token."""
    assert outputs.logits is None or outputs.logits.dim() in (2, 3)
    moved = None if outputs.logits is None else outputs.logits.roll(1, dims=outputs.logits.dim() - 2)
    return Outputs({layer: states.roll(1, dims=1) for layer, states in outputs.hidden.items()}, logits=moved)


def _as_stored(coverage: Coverage, outputs: Outputs) -> Outputs:
    """The teacher's own signals, of which the largest logits are kept as the cache keeps them, but not rounded."""
    from limbeck.teachers.recording import largest

    if coverage.store.logits is None or outputs.logits is None:
        return outputs
    number = coverage.store.largest(coverage.classes)
    if number is None:
        return outputs
    return Outputs(outputs.hidden, top=largest(outputs.logits, number, coverage.store.logits.temperatures))


def _say_left_out(cached: Outputs, temperature: float, share: float, out: Workspace) -> None:
    import torch

    assert cached.top is not None
    rest = cached.top.rest[temperature]
    known = (cached.top.values / temperature).logsumexp(-1)
    mass = float(torch.sigmoid(known - rest).mean())
    number = cached.top.values.shape[-1]
    out.facts.setdefault("mass", {})[f"{temperature:g}"] = mass
    out.say(
        f"the {number} largest logits hold {mass:.1%} of the teacher's answers at temperature {temperature:g}; how it"
        f" ranks the other classes is not learnt ({share:.1%} of a loss on the first batch)"
    )
