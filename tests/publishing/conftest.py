"""Folders to publish: a ready one with a large and small files, and a small Hub."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import fake_hub

CARD = "---\nlanguage: sv\nlicense: mit\n---\n\n# A model\n"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_hub.FakeHub]:
    """On this machine."""
    with fake_hub.running(monkeypatch) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder that may be seen by all."""
    made = tmp_path / "model"
    (made / "onnx").mkdir(parents=True)
    (made / "README.md").write_text(CARD, "utf-8")
    (made / "config.json").write_text(json.dumps({"architectures": ["BertForMaskedLM"]}), "utf-8")
    (made / "model.safetensors").write_bytes(b"w" * 5000)
    (made / "onnx" / "model.onnx").write_bytes(b"o" * 6000)
    return made
