"""What a measurement was made on."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("limbeck", "torch", "transformers", "tokenizers", "onnxruntime", "openvino")
_FLAGS = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16", "amx_int8", "neon", "bf16", "sve", "sme")


def machine() -> dict[str, Any]:
    """Facts of this machine and process, ready for JSON.

    `arithmetic` (threads, instruction sets, GPU) is what torch says, and None in a process that has not loaded
    torch: this function is called where nothing was computed too, and loading torch takes seconds.
    """
    import psutil

    return {
        "cpu": cpu_name(),
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "logical_cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "os": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "arithmetic": arithmetic() if "torch" in sys.modules else None,
    }


def machine_name() -> str:
    """One line: processor, cores, and the GPU where torch is loaded and has one; as in `AMD EPYC, 2 cores`."""
    cores = os.cpu_count() or 1
    name = f"{cpu_name()}, {cores} core{'' if cores == 1 else 's'}"
    gpu = arithmetic()["gpu"] if "torch" in sys.modules else None
    return f"{name}, {gpu}" if gpu else name


def arithmetic() -> dict[str, Any]:
    """What torch computes with: `threads`, `instructions`, `gpu` (name or None). Loads torch."""
    import torch

    return {
        "threads": torch.get_num_threads(),
        "instructions": _instructions(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name; where only the architecture is known, that."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text("utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


def _instructions() -> list[str]:
    """The instruction sets that decide how fast matrices multiply, as torch found them on this processor."""
    import torch

    known = getattr(torch.cpu, "get_capabilities", None)
    if known is None:
        return [torch.backends.cpu.get_cpu_capability().lower()]
    capabilities = known()
    return [name for name in _FLAGS if capabilities.get(name)]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
