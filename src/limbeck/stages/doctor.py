"""What `limbeck doctor` looks at: versions, device, room, reach, and optional parts. It makes no artifact."""

import os
import platform
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from threading import Thread

from packaging.requirements import Requirement

NAMED = ("torch", "transformers", "tokenizers")
"""Packages that get a line of their own; the others share one."""
HUB_SECONDS = 2.0
MEMORY_BYTES = 4 * 2**30
"""What the quickstart may use."""
DISK_BYTES = 5 * 10**9


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    """What to do; empty when all is well."""
    required: bool = True
    """Whether Limbeck cannot work without it."""


def doctor(folder: Path = Path()) -> list[Check]:
    """Looks at this installation and machine; `folder` is where runs would be written.

    Takes a few seconds: torch is loaded to ask for devices.
    """
    return [_python(), *_packages(), _processor(), _gpu(), _memory(), _disk(folder), _hub(), _cache(), *_extras()]


def _python() -> Check:
    wanted = metadata("limbeck")["Requires-Python"]
    fits = Requirement(f"python{wanted}").specifier.contains(platform.python_version(), prereleases=True)
    return Check("Python", fits, platform.python_version(), "" if fits else f"install Python {wanted}")


def _packages() -> list[Check]:
    """Required packages against the ranges that Limbeck declares."""
    base = [wanted for wanted in _requirements() if wanted.marker is None]
    checks = [_package(wanted) for wanted in base]
    named = [check for check in checks if check.name in NAMED]
    others = [check for check in checks if check.name not in NAMED]
    wrong = [check for check in others if not check.ok]
    return named + (wrong or [Check("other packages", True, f"{len(others)} of {len(others)} as required")])


def _package(wanted: Requirement) -> Check:
    found = _version(wanted.name)
    fits = found is not None and wanted.specifier.contains(found, prereleases=True)
    install = f"pip install '{wanted.name}{wanted.specifier}'"
    return Check(wanted.name, fits, found or "not installed", "" if fits else install)


def _processor() -> Check:
    from limbeck.benchmarks.machine import arithmetic, cpu_name

    arithmetics = arithmetic()
    fast = [name for name in arithmetics["instructions"] if "bf16" in name]
    precision = f"bfloat16 in hardware ({', '.join(fast)})" if fast else "float32 (no bfloat16 in hardware)"
    threads = arithmetics["threads"]
    return Check("processor", True, f"{cpu_name()}, {threads} thread{'s' if threads != 1 else ''}, {precision}")


def _gpu() -> Check:
    import torch

    if torch.cuda.is_available():
        precision = "bfloat16" if torch.cuda.is_bf16_supported() else "no bfloat16"
        return Check("GPU", True, f"{torch.cuda.get_device_name()}, {precision}", required=False)
    if torch.backends.mps.is_available():
        return Check("GPU", True, "Apple (MPS)", required=False)
    return Check("GPU", True, "none; the processor will do the work", required=False)


def _memory() -> Check:
    import psutil

    memory = psutil.virtual_memory()
    enough = memory.available >= MEMORY_BYTES
    advice = "" if enough else "close other programs, or set smaller batches: the quickstart uses up to 4 GiB"
    found = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"
    return Check("memory", enough, found, advice, required=False)


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    enough = free >= DISK_BYTES
    advice = (
        "" if enough else f"free some space, or choose another folder with --runs: {DISK_BYTES / 1e9:.0f} GB is safe"
    )
    return Check("disk", enough, f"{free / 1e9:.1f} GB free in {folder.resolve()}", advice, required=False)


def _hub() -> Check:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return Check("Hub", True, "not asked: HF_HUB_OFFLINE is set, only the cache is used", required=False)
    reached = _answers(constants.ENDPOINT)
    advice = "" if reached else "local folders, package: models and the cache still work; check network and proxy"
    found = f"{constants.ENDPOINT} {'answers' if reached else f'does not answer within {HUB_SECONDS:.0f} s'}"
    return Check("Hub", reached, found, advice, required=False)


def _cache() -> Check:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    writable = os.access(existing, os.W_OK)
    found = f"{folder}{'' if folder.exists() else ' (not made yet)'}"
    return Check(
        "Hub cache", writable, found, "" if writable else "set HF_HOME to a folder you may write", required=False
    )


def _extras() -> list[Check]:
    """Optional parts, with the command that installs what is missing."""
    extras = [extra for extra in metadata("limbeck").get_all("Provides-Extra") or [] if extra != "dev"]
    return [_extra(extra) for extra in extras]


def _extra(extra: str) -> Check:
    wanted = [r for r in _requirements() if r.marker and r.marker.evaluate({"extra": extra}) and r.name != "limbeck"]
    missing = [package.name for package in map(_package, wanted) if not package.ok]
    found = f"missing or too old: {', '.join(missing)}" if missing else ", ".join(r.name for r in wanted)
    advice = f"pip install 'limbeck[{extra}]'" if missing else ""
    return Check(f"extra {extra}", not missing, found, advice, required=False)


def _requirements() -> list[Requirement]:
    return [Requirement(line) for line in requires("limbeck") or []]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _answers(address: str) -> bool:
    """Whether a server answers at all in time; in a thread, because looking up a name obeys no timeout."""
    answered: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=HUB_SECONDS):
                answered.append(True)
        except urllib.error.HTTPError as error:
            error.close()
            answered.append(True)
        except OSError:
            answered.append(False)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(HUB_SECONDS)
    return answered == [True]
