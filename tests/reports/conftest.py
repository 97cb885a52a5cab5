import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from reports_support import FACTS, RECIPE, add_artifact


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Makes a run folder in which the named steps, or all, are finished."""

    def make(*done: str, recipe: Mapping[str, Any] = RECIPE, facts: Mapping[str, Any] = FACTS) -> Path:
        run = tmp_path / "runs" / "tiny"
        run.mkdir(parents=True)
        (run / "recipe.yaml").write_text(yaml.safe_dump(dict(recipe), sort_keys=False), "utf-8")
        (run / "environment.json").write_text(json.dumps({"cpu": "abacus", "packages": {"torch": "2.13.0"}}), "utf-8")
        for minute, (step, config) in enumerate(recipe["steps"].items()):
            if step in (done or recipe["steps"]):
                add_artifact(run, step, config, facts[step], minute=minute)
        return run

    return make
