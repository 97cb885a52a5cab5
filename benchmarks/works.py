"""What is timed: published losses on published shapes, full blocks of random tokens, no dropout."""

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import BertConfig, BertForMaskedLM

from limbeck.signals import Batch


@dataclass(frozen=True)
class Work:
    """One shape and one loss. The student is the teacher's bottom half; every weight of it is trained."""

    name: str
    loss: Literal["lightmbert", "distilbert"]
    layers: int
    width: int
    vocabulary: int
    in_use: int
    """Tokens of the vocabulary that the text has."""
    batch: int
    length: int

    def models(self) -> tuple[BertForMaskedLM, BertForMaskedLM]:
        """Teacher and student of random weights, the same in every process."""
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            intermediate_size=4 * self.width,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        teacher = BertForMaskedLM(config).eval()
        half = copy.deepcopy(config)
        half.num_hidden_layers //= 2
        student = BertForMaskedLM(half)
        student.load_state_dict(teacher.state_dict(), strict=False)
        return teacher, student.train()

    def used_ids(self) -> torch.Tensor:
        """The tokens that the text has, spread over the vocabulary."""
        return torch.arange(self.in_use) * self.vocabulary // self.in_use

    def text(self, turn: int) -> Batch:
        """The block of one turn, 15 % of its tokens labelled."""
        generator = torch.Generator().manual_seed(turn)
        ids = self.used_ids()[torch.randint(self.in_use, (self.batch, self.length), generator=generator)]
        labels = torch.where(torch.rand(ids.shape, generator=generator) < 0.15, ids, -100)
        return Batch(ids, torch.ones_like(ids), labels)


WORKS = {
    work.name: work
    for work in (
        Work("minilm-16x128", "lightmbert", 6, 384, 30_522, 30_522, 16, 128),
        Work("mbert-4x128", "lightmbert", 12, 768, 119_547, 25_000, 4, 128),
        Work("mbert-4x512", "lightmbert", 12, 768, 119_547, 25_000, 4, 512),
        Work("distilbert-30522", "distilbert", 12, 768, 30_522, 30_522, 4, 128),
        Work("distilbert-119547", "distilbert", 12, 768, 119_547, 25_000, 4, 128),
    )
}
