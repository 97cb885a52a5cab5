import pytest
import torch

from limbeck.training import precision


@pytest.fixture
def processor(monkeypatch):
    """Pretends that there is no GPU and that the processor has the capabilities given."""

    def pretend(**capabilities: object) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, **capabilities})

    return pretend


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_auto_takes_bfloat16_where_the_processor_has_it(processor, name):
    """Without it, half of the machine's speed stays unused."""
    processor(**{name: True})
    assert precision.resolve("auto") == torch.bfloat16


@pytest.mark.parametrize("capabilities", [{}, {"avx512_bf16": False, "amx_bf16": False}, {"amx_fp16": True}])
def test_auto_stays_with_float32_elsewhere(processor, capabilities):
    """Emulated bfloat16 is several times slower than float32."""
    processor(**capabilities)
    assert precision.resolve("auto") == torch.float32


@pytest.mark.parametrize("supported", [True, False])
def test_a_gpu_is_asked_whether_it_emulates(monkeypatch, supported):
    """Older GPUs claim bfloat16 and emulate it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported or including_emulation)
    assert precision.has_bfloat16() is supported
    assert precision.device().type == "cuda"


def test_a_format_asked_for_is_taken_anywhere(processor):
    """A run that must be repeated elsewhere names its format."""
    processor()
    assert precision.resolve("bfloat16") == torch.bfloat16
    processor(bf16=True)
    assert precision.resolve("float32") == torch.float32


def test_only_matrix_products_lose_digits():
    """Sums and norms in bfloat16 lose more than the speed is worth."""
    left, right = torch.randn(2, 4, 4)
    with precision.autocast(torch.bfloat16):
        assert (left @ right).dtype == torch.bfloat16
        assert torch.nn.functional.layer_norm(left, (4,)).dtype == torch.float32
    with precision.autocast(torch.float32):
        assert (left @ right).dtype == torch.float32


def test_the_manifest_says_what_auto_meant(monkeypatch):
    """The word auto in a report tells nobody which numbers the training had."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    assert [precision.name_of(name) for name in ("auto", "float32")] == ["bfloat16", "float32"]
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    assert precision.name_of("auto") == "float32"
