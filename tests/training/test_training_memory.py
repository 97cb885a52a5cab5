import os
import sys

import pytest
import torch

from limbeck.training.memory import give_back, reused

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told how to keep memory")

MIB = 1 << 20


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_goes_back_when_a_training_ends():
    """A process that kept what its training needed at most would add the next step's memory to it."""
    torch.zeros(1)
    give_back()
    before = _resident()
    with reused():
        for size in range(60, 260, 20):
            torch.zeros(size * MIB, dtype=torch.uint8)
        assert _resident() > before + 100 * MIB
    assert _resident() < before + 50 * MIB
