"""What the documents say is true: commands run, recipes parse, tables agree with the code, links lead somewhere.

Commands run offline in a folder where the recipes are tiny (`document_commands`). Of `make`, `pip`, `python` and
`pytest` only what they name is checked: a target, an extra, a file. `git`, `cd` and `source` are taken on trust.
Output in an example is compared only where it is the sentence that a command fails with.
"""

import ast
import re
import shutil
from importlib import import_module
from subprocess import CalledProcessError
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from document_commands import Sandbox, check
from document_support import DOCUMENTS, ROOT, Block, Command, anchors, blocks, commands, links, name_of
from field_tables import HEAD, fields_of, reachable, tables
from limbeck.config import Step
from limbeck.objectives.presets import preset, preset_names
from limbeck.pipeline.recipe import Recipe, SingleEngine, load_recipe
from limbeck.reports.evaluated import AverageRow, Disagreement, EvidenceRow, LabelRow, ScoreRow, TransferRow
from limbeck.reports.report import Cost, FailedRow, FormatRow, ModelRow, RatioRow, Report, SpeedRow, TriedRow
from limbeck.stages import AnyStep
from limbeck.training.config import Training

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
each_yaml = pytest.mark.parametrize("block", [b for d in DOCUMENTS for b in blocks(d, "yaml")], ids=str)
each_python = pytest.mark.parametrize("block", [b for d in DOCUMENTS for b in blocks(d, "python")], ids=str)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory, world):
    """A folder in which the quickstart has been run."""
    with pytest.MonkeyPatch.context() as patch:
        made = Sandbox(tmp_path_factory.mktemp("documents") / "limbeck", world)
        patch.chdir(made.folder)
        patch.setenv("COLUMNS", "200")
        # Each model's memory is measured in a process that loads torch anew, which takes longer than all else here.
        patch.setattr("limbeck.benchmarks.memory.peak_memory", lambda folders, tokens: [1 for _ in folders])
        code, said = made.limbeck(["run", "recipes/quickstart.yaml"])
        assert code == 0, said
        yield made
        made.server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("document", [d for d in DOCUMENTS if commands(d)], ids=name_of)
def test_commands_run(document, sandbox):
    """A newcomer whose first command fails does not type a second."""
    sandbox.prepare(document)
    for command in commands(document):
        check(command, sandbox)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("limbeck fly", ""),
        ("limbeck run no-such-recipe.yaml", ""),
        ("limbeck --version", "limbeck: this fails"),
        ("limbeck run no-such-recipe.yaml", "limbeck: another reason"),
        ("make bread", ""),
        ("pip install 'limbeck[warp]'", ""),
        ("pip install --constraint versions.txt limbeck", ""),
        ("python no_such_file.py", ""),
        ("ls no-such-folder", ""),
        ("curl https://example.org", ""),
        ("limbeck serve no-such-folder", ""),
        ("cd limbeck && make bread", ""),
    ],
)
def test_the_check_finds_a_wrong_command(text, shown, tmp_path, world, monkeypatch):
    """A check that passes whatever it reads protects nothing."""
    monkeypatch.chdir(tmp_path)
    command = Command(Block(DOCUMENTS[0], 1, "console", text), text, shown)
    with pytest.raises((AssertionError, OSError, CalledProcessError)):
        check(command, Sandbox(tmp_path / "sandbox", world))


@each_document
def test_commands_stand_where_they_are_checked(document):
    """A command in another kind of block is run by readers only."""
    found = [block for block in blocks(document, "", "bash", "sh", "shell") if re.search(r"^\$? ?limbeck ", block.text)]
    assert not found, f"{[str(block) for block in found]}: write ```console, and `$ ` before each command"


@each_yaml
def test_recipes_parse(block, tmp_path):
    """A recipe that is copied from a document and refused teaches that documents lie."""
    value = yaml.safe_load(block.text)
    if "steps" in value:
        shutil.copytree((ROOT / "recipes").resolve(), tmp_path / "recipes")
        path = tmp_path / "recipes" / "from-a-document.yaml"
        path.write_text(block.text, "utf-8")
        load_recipe(path)
    elif "engine" in value:
        SingleEngine.parse(value["engine"], str(block))
    else:
        TypeAdapter(dict[str, AnyStep]).validate_python(value)


@each_python
def test_python_compiles_and_its_imports_exist(block):
    """An example that imports what was renamed is worse than none."""
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("limbeck"):
            module = import_module(str(node.module))
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@each_document
def test_links_resolve(document):
    """A link that leads nowhere ends the reading."""
    for target in links(document):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), f"{name_of(document)} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{name_of(document)} links to {target}"


_TABLES = [(document, table) for document in DOCUMENTS for table in tables(document.read_text("utf-8"))]
_DOCUMENTED: set[type] = {table.model for _, table in _TABLES}


@pytest.mark.parametrize(
    ("document", "table"), _TABLES, ids=[f"{name_of(d)}:{table.model.__name__}" for d, table in _TABLES]
)
def test_field_tables_agree_with_the_code(document, table):
    """A default that was changed in the code alone is looked up and believed."""
    assert table.rows == table.expected(_DOCUMENTED), "write it anew: python tests/field_tables.py docs/*.md"
    assert [row[0] for row in table.rows if not row[3]] == [], "say in the table what these fields mean"


@pytest.mark.parametrize(
    "row",
    [
        "| `dev` | number (at least 0, below 1) | `0.02` | For the loss on text not trained on. |",
        "| `dev` | number (at least 0) | `0.01` | For the loss on text not trained on. |",
        "| `dev` | number (at least 0, below 1) | `0.01` | For scores. |",
        "| `def` | number (at least 0, below 1) | `0.01` | For the loss on text not trained on. |",
        "",
    ],
)
def test_the_check_finds_a_wrong_row(row):
    """A table that is compared with itself is always right."""
    text = f"<!-- fields of limbeck.corpora.splitting.Holdout -->\n\n{HEAD}{row}\n"
    right = "| `test` | number (at least 0, below 1) | `0.0` | For scores; kept out of every training. |\n"
    (table,) = tables(text + right)
    assert table.rows != table.expected(set())


def test_every_field_of_a_recipe_is_in_a_table():
    """A field that stands in no document is a field that only its author uses."""
    undocumented = {m.__name__ for m in reachable(Recipe) - _DOCUMENTED if list(fields_of(m, _DOCUMENTED))}
    assert undocumented == set()
    assert {Step, Training} <= _DOCUMENTED


def test_every_step_has_a_section():
    """A reader looks for a step by its name."""
    steps = {model.model_fields["do"].default for model in reachable(AnyStep) if issubclass(model, Step)}
    assert steps <= anchors(ROOT / "docs" / "steps.md")


def test_the_table_of_methods_is_that_of_the_presets():
    """A published setting that is quoted wrongly is copied into papers."""
    text = (ROOT / "docs" / "objectives.md").read_text("utf-8")
    rows = re.findall(r"^\| (.*) \|$", text[text.index("## Methods") :], re.MULTILINE)
    head, _, *body = (row.split(" | ") for row in rows)
    assert sorted(cell.strip("`") for cell in head[1:]) == preset_names()
    for column, method in enumerate((cell.strip("`") for cell in head[1:]), 1):
        told = {_plain(row[0]): _plain(row[column]) for row in body if row[column].strip() and row[0] != "`objectives`"}
        assert told == {name: value for name, value in preset(method).items() if name != "objectives"}


def _plain(cell: str) -> Any:
    return yaml.safe_load(cell.strip(" `"))


def test_the_keys_of_the_report_are_all_told():
    """A program is written against what the document says."""
    text = (ROOT / "docs" / "runs.md").read_text("utf-8")
    told = set(re.findall(r"`(\w+)`", text[text.index("## The report") : text.index("## Comparing")]))
    for row in (
        *(Report, ModelRow, ScoreRow, EvidenceRow, SpeedRow, RatioRow, Cost),
        *(AverageRow, TransferRow, FailedRow, TriedRow, LabelRow, Disagreement, FormatRow),
    ):
        assert set(row.model_fields) - told == set(), row.__name__
