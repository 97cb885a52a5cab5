"""Peak memory of a model, in a process that does nothing else.

A process keeps what it once had: models measured in one process would blur into each other, and so would
whatever the run did before. So each model gets a fresh one: `python -m limbeck.benchmarks.memory FOLDER TOKENS`
prints by how many bytes its resident set grew, at its peak, from just before the model was loaded to the end
of a forward pass over one sequence of that many tokens, every weight read once before (a weights file is mapped
into memory, and what nobody has read of it would not count). The libraries are loaded before, and not counted.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from limbeck.errors import ModelError

_EVERY = 0.002
"""Seconds between two looks at the resident set."""
_PATIENCE = 300
"""Seconds after which a process that has not answered is given up."""


class PeakGrowth:
    """Watches `resident` (bytes) while the context lasts; `bytes` is its peak less its start."""

    def __init__(self, resident: Callable[[], int], every: float = _EVERY) -> None:
        self._resident = resident
        self._every = every
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    @property
    def bytes(self) -> int:
        """Growth so far."""
        return self._peak - self._start

    def __enter__(self) -> "PeakGrowth":
        self._start = self._peak = self._resident()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._watcher.join()
        self._peak = max(self._peak, self._resident())

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            self._peak = max(self._peak, self._resident())


def peak_memory(folders: Sequence[str], tokens: int) -> list[int]:
    """Peak growth in bytes of each model folder, each in a process of its own, side by side.

    Raises:
        ModelError: a process did not end well; its last words are in the message.
    """
    command = [sys.executable, "-m", "limbeck.benchmarks.memory"]
    started = [
        subprocess.Popen([*command, folder, str(tokens)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for folder in folders
    ]
    return [_answer(process, folder) for process, folder in zip(started, folders, strict=True)]


def _answer(process: "subprocess.Popen[str]", folder: str) -> int:
    try:
        said, complained = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        said, complained = "", f"no answer in {_PATIENCE} s"
    if process.returncode != 0 or not said.strip().isdigit():
        last = complained.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise ModelError(f"the memory of {folder} could not be measured: {last[0]}; run its step again")
    return int(said)


def _measure(folder: str, tokens: int) -> int:
    import psutil
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    architecture = getattr(transformers, (config.architectures or ["AutoModel"])[0])
    process = psutil.Process()
    with PeakGrowth(lambda: int(process.memory_info().rss)) as growth, torch.inference_mode():
        model = architecture.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
        ).eval()
        for weight in model.parameters():
            weight.sum()
        model(input_ids=torch.full((1, tokens), config.vocab_size - 1))
    return growth.bytes


if __name__ == "__main__":
    sys.stdout.write(f"{_measure(sys.argv[1], int(sys.argv[2]))}\n")
