"""Exported models of every task, made once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from runtime_support import export_tiny

Export = Callable[..., Path]


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """`export("bert", "ForTokenClassification")`: an exported folder."""
    made: dict[tuple[str, str, str], Path] = {}

    def make(family: str, head: str, **changes: object) -> Path:
        key = (family, head, repr(sorted(changes.items())))
        if key not in made:
            made[key] = export_tiny(family, head, tmp_path_factory.mktemp("model"), **changes)
        return made[key]

    return make
