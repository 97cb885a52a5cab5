"""What tests of narrower models share: a batch, a bar that nobody watches, and models with parts that add nothing."""

import torch

from limbeck.models.axes import Axis, places_of
from limbeck.models.families import family_of
from limbeck.models.transplant import hollow
from limbeck.models.widths import Widths, set_widths, widths_of
from limbeck.signals import Batch


class Unwatched:
    """Progress that counts."""

    def __init__(self):
        self.done = 0

    def advance(self, amount=1, shown=""):
        self.done += amount


def text(sequences=60, seed=1):
    """Random tokens, the last third padded, one of them labelled."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, 60, (sequences, 12), generator=generator)
    mask = torch.ones_like(ids)
    mask[sequences // 3 * 2 :, 8:] = 0
    labels = torch.full_like(ids, -100)
    labels[:, 2:4] = ids[:, 2:4]
    return Batch(ids, mask, labels)


def outputs(model, batch):
    """Of the first kind that the model gives, padding left out where it has tokens."""
    with torch.inference_mode():
        first = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)[0]
    return first[batch.attention_mask.bool()] if first.shape[:2] == batch.input_ids.shape else first


def widened(model):
    """A model twice as wide that computes the same: more heads and units that nobody reads, and every hidden
    dimension again, so that normalisations see the same mean and variance, read by nobody either.
    """
    before = widths_of(model.config)
    config = type(model.config).from_dict(model.config.to_dict())
    set_widths(config, Widths(*(2 * width for width in vars(before).values())))
    shell = hollow(type(model), config)
    known: dict[int, torch.nn.Parameter] = {}
    for name, small in model.named_parameters(remove_duplicate=False):
        if id(small) not in known:
            known[id(small)] = torch.nn.Parameter(_twice(model, name, small.detach()))
        path, _, leaf = name.rpartition(".")
        setattr(shell.get_submodule(path), leaf, known[id(small)])
    for name, buffer in model.named_buffers():
        path, _, leaf = name.rpartition(".")
        setattr(shell.get_submodule(path), leaf, buffer.clone())
    return shell.eval()


def _twice(model, name, tensor):
    places = places_of(model, name)
    for number, place in enumerate(places):
        if place.axis is Axis.WHOLE:
            continue
        parts = tensor.chunk(place.repeats, number)
        if (number == 1 and places[0].axis is not Axis.WHOLE) or name.startswith(
            ("classifier", "qa_outputs", "cls.seq_relationship")
        ):
            extra = [torch.zeros_like(part) for part in parts]
        elif place.axis in (Axis.HEADS, Axis.UNITS):
            extra = [torch.randn_like(part) for part in parts]
        elif name.startswith(family_of(model).mlm_norm):
            extra = [torch.zeros_like(part) for part in parts]
        else:
            extra = list(parts)
        tensor = torch.cat([half for pair in zip(parts, extra, strict=True) for half in pair], number)
    return tensor
