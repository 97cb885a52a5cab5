"""Exported models of every task, with random weights, beside the folders that transformers loads."""

from pathlib import Path

from limbeck.exporting.inputs import emit_only, graph_inputs
from limbeck.exporting.onnx import export_onnx
from limbeck.models.loading import save_model
from limbeck.onnx_files import ONNX_FILE
from tiny_encoders import model_of
from tiny_tokenizers import KINDS

TEXTS = [
    "Astrid Lindgren was born near Vimmerby and wrote in Stockholm.",
    "The quick brown fox, who lives in Bergslagen, jumps over the lazy dog!",
    "Zażółć gęślą jaźń; Łódź i Kraków. Ärger in Köln.",
    "word " * 12 + "Warszawa",
    "a",
]
LABELS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}


def export_tiny(family: str, head: str, folder: Path, **changes: object) -> Path:
    """A model of random weights and its tokenizer, saved and exported into `folder`."""
    tokenizer = KINDS[family](TEXTS * 4, 180 if family == "bert" else 300)
    numbers = max(tokenizer.get_vocab().values()) + 1
    special = {"pad_token_id": tokenizer.pad_token_id}
    sizes = {"vocab_size": numbers, "num_hidden_layers": 1, "max_position_embeddings": 130, **special}
    model = model_of(family, head, **{**sizes, **changes})
    names = graph_inputs(model, tokenizer.model_input_names)
    emit_only(tokenizer, names)
    tokenizer.model_max_length = 128
    save_model(model, tokenizer, folder)
    export_onnx(model, names, folder / ONNX_FILE)
    return folder
