"""One whole run, made once by the command line in a process of its own."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import tiny_world


@dataclass(frozen=True)
class Whole:
    """A finished run."""

    folder: Path
    """Where the command ran; `runs/tiny` is below it."""
    recipe: Path
    out: str
    err: str

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.folder / "runs" / "tiny"


@pytest.fixture(scope="session")
def whole(world: tiny_world.World, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Read only: `copied` gives one that may be changed."""
    folder = tmp_path_factory.mktemp("whole")
    recipe = tiny_world.write_recipe(folder, world.recipe())
    process = tiny_world.limbeck("run", recipe, cwd=folder)
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    return Whole(folder, recipe, out, err)


@pytest.fixture
def copied(whole: Whole, tmp_path: Path) -> Whole:
    """A finished run in the folder where `command` runs."""
    shutil.copytree(whole.folder, tmp_path, dirs_exist_ok=True)
    return Whole(tmp_path, tmp_path / whole.recipe.name, whole.out, whole.err)
