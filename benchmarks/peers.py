"""The same update by other tools, each as its users run it."""

import importlib
import sys
import tempfile
import types
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Trainer, TrainingArguments

from limbeck.signals import Batch
from works import Work


class TextBrewer:
    """TextBrewer's own training loop, on masked-LM models with labels, as the script of the Swedish model did.

    The vocabulary projection that the labels bring is computed and never read; attention maps come from eager
    attention, in every layer.
    """

    def __init__(self, work: Work, precision: str) -> None:
        textbrewer = _import_textbrewer()
        teacher, student = (_exposing(model) for model in work.models())
        last = work.layers
        matches = [
            {"layer_T": last, "layer_S": last // 2, "feature": "hidden", "loss": "hidden_mse", "weight": 1},
            {
                "layer_T": last - 1,
                "layer_S": last // 2 - 1,
                "feature": "attention",
                "loss": "attention_mse",
                "weight": 1,
            },
        ]  # its lists of hidden states start with the embeddings, its lists of attentions with layer 1
        self._distiller = textbrewer.GeneralDistiller(
            textbrewer.TrainingConfig(device="cpu", output_dir=tempfile.mkdtemp()),
            textbrewer.DistillationConfig(intermediate_matches=matches),
            teacher, student, _adaptor, _adaptor,
        )  # fmt: skip
        self._student, self._precision = student, precision
        self._optimiser = torch.optim.AdamW(student.parameters(), lr=1e-4)

    def __call__(self, batch: Batch) -> float:
        """One update; its loss."""
        assert batch.labels is not None
        fields = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "labels": batch.labels}
        with _autocast(self._precision):
            value, parts = self._distiller.train_on_batch(fields, {})
        self._distiller.write_loss(value, 0, parts)
        return _step(value, self._student, self._optimiser)


class HuggingFace:
    """The Hugging Face Trainer with the loss in `compute_loss`, as its documentation tells to do it."""

    def __init__(self, work: Work, precision: str) -> None:
        teacher, student = work.models()
        compute = {"lightmbert": _lightmbert, "distilbert": _all_logits}[work.loss]
        if work.loss == "lightmbert":
            teacher, student = _exposing(teacher), _exposing(student)

        class Distilling(Trainer):
            def compute_loss(self, model: nn.Module, inputs: Any, *rest: Any, **others: Any) -> Tensor:
                with torch.no_grad():
                    theirs = teacher(**inputs, output_hidden_states=True)
                return compute(model(**inputs, output_hidden_states=True), theirs, inputs["labels"])

        arguments = TrainingArguments(
            output_dir=tempfile.mkdtemp(), learning_rate=1e-4, use_cpu=True, report_to=[], disable_tqdm=True
        )
        self._trainer = Distilling(model=student, args=arguments)
        self._trainer.create_optimizer()
        self._trainer.current_gradient_accumulation_steps = 1  # set by its own loop, which makes the updates here
        self._student, self._precision = student, precision

    def __call__(self, batch: Batch) -> float:
        """One update; its loss."""
        fields = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "labels": batch.labels}
        with _autocast(self._precision):
            value = self._trainer.training_step(self._student, fields)
        nn.utils.clip_grad_norm_(self._student.parameters(), 1.0)
        self._trainer.optimizer.step()
        self._student.zero_grad()
        return float(value)


class AllLogits:
    """DistilBERT's triple loss in a plain loop that computes all logits and then selects, as its script does."""

    def __init__(self, work: Work, precision: str) -> None:
        self._teacher, self._student = work.models()
        self._precision = precision
        self._optimiser = torch.optim.AdamW(self._student.parameters(), lr=1e-4)

    def __call__(self, batch: Batch) -> float:
        """One update; its loss."""
        fields = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "output_hidden_states": True}
        with _autocast(self._precision):
            with torch.no_grad():
                theirs = self._teacher(**fields)
            value = _all_logits(self._student(**fields), theirs, batch.labels)
        return _step(value, self._student, self._optimiser)


def _lightmbert(ours: Any, theirs: Any, labels: Tensor) -> Tensor:
    hidden = functional.mse_loss(ours.hidden_states[-1], theirs.hidden_states[-1])
    return hidden + functional.mse_loss(ours.attentions[-1], theirs.attentions[-1])


def _all_logits(ours: Any, theirs: Any, labels: Tensor) -> Tensor:
    picked = labels != -100
    student, teacher = ours.logits[picked].float(), theirs.logits[picked].float()
    soft = functional.kl_div((student / 2).log_softmax(-1), (teacher / 2).softmax(-1), reduction="batchmean") * 4
    hard = functional.cross_entropy(student, labels[picked])
    states = (ours.hidden_states[-1].flatten(0, 1).float(), theirs.hidden_states[-1].flatten(0, 1).float())
    return 5 * soft + 2 * hard + functional.cosine_embedding_loss(*states, torch.ones(len(states[0])))


def _import_textbrewer() -> Any:
    """TextBrewer insists on a TensorBoard writer, which it does not use here."""
    writer: Any = types.ModuleType("tensorboardX")
    writer.SummaryWriter = None
    sys.modules.setdefault("tensorboardX", writer)
    return importlib.import_module("textbrewer")


def _adaptor(batch: Any, outputs: Any) -> dict[str, Any]:
    return {"hidden": outputs.hidden_states, "attention": outputs.attentions}


def _exposing(model: Any) -> Any:
    """Attention maps come from eager attention only."""
    model.set_attn_implementation("eager")
    model.config.output_hidden_states = model.config.output_attentions = True
    return model


def _autocast(precision: str) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def _step(value: Tensor, model: nn.Module, optimiser: torch.optim.Optimizer) -> float:
    torch.autograd.backward(value)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad()
    return float(value)
