"""A model of a few hundred weights, a loss of two terms with different units, and batches of unequal size."""

from collections.abc import Callable, Mapping, Sequence

import torch
from safetensors.torch import save
from torch import Tensor, nn

from limbeck.signals import Batch
from limbeck.training.config import Training

VOCABULARY = 12


class Tiny(nn.Module):
    """Words to classes, with dropout; `norm` makes vectors that are not decayed."""

    def __init__(self, seed: int = 0, dropout: float = 0.3) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.words = nn.Embedding(VOCABULARY, 6)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(6)
        self.out = nn.Linear(6, VOCABULARY)

    def forward(self, ids_BT: Tensor) -> tuple[Tensor, Tensor]:
        hidden_BTH = self.norm(self.dropout(self.words(ids_BT)))
        return hidden_BTH, self.out(hidden_BTH)


class TwoTerms:
    """Cross-entropy over labelled positions and the size of the hidden states over tokens."""

    def __init__(self, model: Tiny) -> None:
        self.model = model
        self.calls = 0

    def counts(self, batch: Batch) -> Mapping[str, float]:
        assert batch.labels is not None
        return {"words": float((batch.labels != -100).sum()), "size": float(batch.tokens)}

    def __call__(
        self, batch: Batch, counts: Mapping[str, float], progress: float
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        self.calls += 1
        assert batch.labels is not None
        hidden_BTH, logits_BTV = self.model(batch.input_ids)
        words = nn.functional.cross_entropy(logits_BTV.flatten(0, 1).float(), batch.labels.flatten(), reduction="sum")
        size = (hidden_BTH.float() * batch.attention_mask[..., None]).square().sum()
        parts = {"words": words / counts["words"], "size": size / counts["size"]}
        return parts["words"] + 0.1 * parts["size"], parts


def batch_of(seed: int, sequences: int = 4, length: int = 5) -> Batch:
    """Random words without padding, about half of them labelled."""
    generator = torch.Generator().manual_seed(seed)
    ids_BT = torch.randint(1, VOCABULARY, (sequences, length), generator=generator)
    labels_BT = torch.randint(VOCABULARY, (sequences, length), generator=generator)
    labels_BT[torch.rand(sequences, length, generator=generator) > 0.5] = -100
    labels_BT[0, 0] = 1
    return Batch(ids_BT, torch.ones_like(ids_BT), labels_BT)


def batches(update: int) -> Sequence[Batch]:
    """Two micro-batches of unequal size."""
    return [batch_of(2 * update), batch_of(2 * update + 1, sequences=2, length=3)]


def broken_off(at: int, how: Callable[[], object]) -> Callable[[int], Sequence[Batch]]:
    """The same batches; before those of update `at`, `how` is called."""

    def made(update: int) -> Sequence[Batch]:
        if update == at:
            how()
        return batches(update)

    return made


def training(**changes: object) -> Training:
    """Settings for a few updates, with changes."""
    fields: dict[str, object] = {"updates": 8, "learning_rate": 0.05, "precision": "float32"}
    return Training.parse({**fields, **changes}, "test")


def weights(model: nn.Module) -> bytes:
    """What would stand in `model.safetensors`."""
    return save({name: value.contiguous() for name, value in model.state_dict().items()})
