"""Scripts run by Node, with the packages that `make javascript` installs."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "javascript"


def node(script: Path, *arguments: object) -> str:
    """What it printed; the test is skipped where Node or its packages are not."""
    if shutil.which("node") is None or not (SCRIPTS / "node_modules").is_dir():
        pytest.skip("Node and its packages are not here; `make javascript` installs the packages")
    command = ["node", str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=script.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout
