"""What the processor that the tests run on can do."""

import openvino
import pytest

needs_bfloat16 = pytest.mark.skipif(
    "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
    reason="this processor does not compute in bfloat16, which OpenVINO's files are examined in",
)
