"""The rules of the house: who may import whom, what stays unloaded, how long a file may be."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import limbeck

SOURCE = Path(limbeck.__file__).parent

LAYERS = (
    {"errors"},
    {
        "signals",
        "artifacts",
        "config",
        "outlines",
        "workspace",
        "interrupts",
        "display",
        "decoding",
        "onnx_files",
        "openvino_files",
        "processor",
        "windows",
        "parts",
        "reading_settings",
        "schedules",
    },
    {
        *("corpora", "tokenizers", "models", "teachers", "objectives", "training"),
        *("tasks", "evaluation", "benchmarks", "exporting", "publishing", "runtime", "reports"),
    },
    {"stages"},
    {"pipeline"},
    {"cli"},
    {"__main__"},
)
"""From the bottom up. Only shared nouns, and the modules of one package, import each other."""

SHARED_NOUNS = 1
HEAVY = ("torch", "transformers", "datasets", "pyarrow", "sklearn", "scipy", "onnxruntime", "onnx")


def _layer(part: str) -> int:
    return next(level for level, names in enumerate(LAYERS) if part in names)


def _imports(tree: ast.AST, module: str) -> Iterator[str]:
    """Everything that is imported anywhere in the file, inside functions too, by its absolute name."""
    package = module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(source: str, module: str) -> list[str]:
    """Imports of `module` ("limbeck.stages.distil") that the layers do not allow."""
    own = module.split(".")[1:]
    found = []
    for imported in _imports(ast.parse(source), module):
        parts = imported.split(".")
        if parts[0] != "limbeck" or len(parts) < 2:
            continue
        if not any(parts[1] in names for names in LAYERS):
            continue  # a name of limbeck/__init__.py, such as __version__
        if not _allowed(own, parts[1:]):
            found.append(f"{module} imports {imported}")
    return found


def _allowed(own: list[str], other: list[str]) -> bool:
    if own[0] == other[0]:
        return own[0] != "stages" or own[1] == "__init__" or own[1:2] == other[1:2]
    here, there = _layer(own[0]), _layer(other[0])
    return there < here or here == there == SHARED_NOUNS


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCE.rglob("*.py")):
        module = ".".join(["limbeck", *path.relative_to(SOURCE).with_suffix("").parts])
        if module != "limbeck.__init__":  # its lazy table of public names points up
            yield module, path


def test_imports_point_down_only():
    """Two ideas that import each other can no longer be read, tested or changed apart."""
    found = [broken for module, path in _modules() for broken in violations(path.read_text("utf-8"), module)]
    assert not found, "\n".join(found)


def test_every_module_has_its_place():
    """A folder that no layer names would be checked by nobody."""
    known = set().union(*LAYERS)
    assert {module.split(".")[1] for module, _ in _modules()} <= known


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("limbeck.models.loading", "from limbeck.training.fit import fit"),
        ("limbeck.models.loading", "import limbeck.objectives"),
        ("limbeck.models.loading", "from limbeck import objectives"),
        ("limbeck.models.loading", "from ..objectives import base"),
        ("limbeck.models.loading", "def f():\n    from limbeck.stages.distil import run"),
        ("limbeck.training.fit", "if TYPE_CHECKING:\n    from limbeck.teachers.online import Online"),
        ("limbeck.stages.distil", "from limbeck.stages.pretrain import run"),
        ("limbeck.stages.distil", "from limbeck.stages import stage_of"),
        ("limbeck.stages.distil", "import limbeck.stages"),
        ("limbeck.stages.distil", "import limbeck.pipeline.running as r, json"),
        ("limbeck.stages.distil", "from limbeck.stages import pretrain"),
        ("limbeck.stages.distil", "from . import pretrain"),
        ("limbeck.stages.distil", "from .pretrain import run"),
        ("limbeck.stages.distil", "from limbeck.pipeline.recipe import Recipe"),
        ("limbeck.pipeline.running", "from limbeck import cli"),
        ("limbeck.signals", "import limbeck.models.layers"),
        ("limbeck.decoding.entities", "from limbeck.evaluation import trial"),
        ("limbeck.errors", "from limbeck.config import Config"),
        ("limbeck.reports.html", "class A:\n    def f(self):\n        import limbeck.cli as c"),
    ],
)
def test_the_check_finds_a_violation(module, source):
    """A check that passes whatever it reads protects nothing."""
    assert len(violations(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("limbeck.stages.__init__", "from limbeck.stages.distil import DistilStep"),
        ("limbeck.stages.distil", "from limbeck.models.loading import load_model"),
        ("limbeck.models.loading", "from limbeck.models import families\nfrom .families import x\nimport torch"),
        ("limbeck.workspace", "from limbeck.artifacts import write_json"),
        ("limbeck.evaluation.trial", "from limbeck.decoding.entities import decode"),
        ("limbeck.cli", "from limbeck import __version__\nfrom limbeck.reports.html import write_report"),
    ],
)
def test_the_check_allows_what_is_right(module, source):
    """A check that refuses too much is switched off."""
    assert violations(source, module) == []


def _loaded(code: str, *names: str) -> list[str]:
    """Which of these top-level modules a fresh interpreter has loaded after running `code`."""
    ending = f"\nimport sys; print(*(name for name in {names!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_importing_limbeck_loads_almost_nothing():
    """A package that takes seconds to import is not used for small things."""
    assert _loaded("import limbeck", "pydantic", "yaml", "typer", "numpy", *HEAVY) == []


_HELP = """
import contextlib
from limbeck.cli import main
with contextlib.suppress(SystemExit):
    main(["--help"])
"""


def test_help_loads_nothing_heavy():
    """Help that takes six seconds is asked for once."""
    assert _loaded(_HELP, "pydantic", "rich", *HEAVY) == []


def _lines_of_stages() -> str:
    names = sorted(path.stem for path in (SOURCE / "stages").glob("*.py") if path.stem != "__init__")
    return "\n".join(f"import limbeck.stages.{name}" for name in names)


@pytest.mark.parametrize("code", ["import limbeck.pipeline.recipe", _lines_of_stages()], ids=["recipe", "stages"])
def test_a_recipe_is_checked_without_loading_anything_heavy(code):
    """A misspelt field answered after seven seconds of imports is a misspelt field found seven seconds late."""
    assert _loaded(code, *HEAVY) == []


@pytest.mark.parametrize("package", ["decoding", "runtime"])
def test_serving_needs_no_torch(package):
    """A server of an ONNX model that needs torch is a gigabyte larger."""
    names = [module for module, _ in _modules() if module.split(".")[1] == package]
    assert _loaded("\n".join(f"import {name.removesuffix('.__init__')}" for name in names), "torch") == []


def test_files_stay_short():
    """What does not fit on a few screens is not read whole."""
    lengths = {module: len(path.read_text("utf-8").splitlines()) for module, path in _modules()}
    assert {module: length for module, length in lengths.items() if length > 400} == {}


def test_no_file_is_a_drawer():
    """Nobody looks for an idea in `utils.py`."""
    drawers = {"utils", "util", "helpers", "common", "misc", "tools"}
    assert [module for module, _ in _modules() if drawers & set(module.split("."))] == []


def test_the_public_names_are_what_we_meant():
    """A name that slips into the interface has to be kept for ever; one that slips out breaks programs."""
    assert limbeck.__all__ == ["__version__", "distil", "load_recipe", "plan", "run"]
    assert [callable(getattr(limbeck, name)) for name in limbeck.__all__] == [False, True, True, True, True]
    with pytest.raises(AttributeError, match="module 'limbeck' has no attribute 'distill'"):
        _ = limbeck.distill
