"""The commands of the documents, run in a folder where everything is tiny.

The recipes of the repository stand there under their own names, with the same steps, and with a model of width 32,
a few documentation strings and made-up sentences in place of what takes minutes or has to be fetched.
"""

import io
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import yaml

from document_server import Server
from document_support import ROOT, Block, Command, blocks
from limbeck.cli import main
from tiny_world import World

_MODELS = ("model", "teacher", "student")
_TRAINING = {"updates": 4, "batch": 4, "accumulate": 1, "precision": "float32"}
_SMALL: dict[str, dict[str, Any]] = {
    "pretrain": {**_TRAINING, "length": 32},
    "distil": {**_TRAINING, "length": 32},
    "finetune": {**_TRAINING, "length": 48, "stride": 8},
    "evaluate": {"resamples": 1000},
    "benchmark": {"lengths": [16], "batches": [1], "rounds": 3, "seconds": 1.0, "mixed": False},
    "export": {"formats": ["safetensors", "onnx"]},
}
_MINILMV2 = [{"kind": "relation_kl", "of": of, "heads": 16} for of in ("queries", "keys", "values")]
"""The published 48 heads do not divide the small model's width."""
_SOURCES = [{"kind": "python_docs", "packages": ["typer"]}]


class Sandbox:
    """A folder with `recipes/`, `runs/` and the recipes that documents tell their readers to write."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self.world = world
        self.server = Server(folder)
        (folder / "recipes").mkdir(parents=True)

    def tiny(self, text: str) -> str:
        """The same recipe with everything made small; gates are left out, since a tiny model keeps no bound."""
        recipe = yaml.safe_load(text)
        steps = {name: self._step(step) for name, step in recipe["steps"].items() if _kind(step) != "gate"}
        return yaml.safe_dump({**recipe, "steps": steps}, sort_keys=False)

    def _step(self, step: dict[str, Any] | None) -> dict[str, Any] | None:
        if step is None:
            return None
        model: dict[str, Any] = {key: str(self.world.model) for key in _MODELS if _is_from_outside(step.get(key))}
        if isinstance(new := step.get("model"), dict):  # four updates teach nothing
            model["model"] = {**new, "must_learn": False}
        sources = {"sources": _SOURCES} if "sources" in step else {}
        data = {"data": self.world.data} if "data" in step else {}
        small = {"updates": 4} if "updates" in step else {}
        heads = {"objectives": _MINILMV2} if step.get("method") == "minilmv2" else {}
        kept = {key: value for key, value in step.items() if key != "epochs"}
        return {**kept, **model, **sources, **data, **small, **heads, **_SMALL.get(_kind(step), {})}

    def prepare(self, document: Path) -> None:
        """Writes the recipes that the document shows; a comment in their first line names the file."""
        for old in self.folder.glob("*.yaml"):
            old.unlink()
        for block in blocks(document, "yaml"):
            if name := file_of(block):
                self._write(self.folder / name, block.text)

    def expanded(self, word: str) -> list[str]:
        """A word of a command as the shell would hand it over; recipes and runs that it names are made."""
        path = self.folder / word
        if word.startswith("recipes/") and not path.exists():
            self._write(path, (ROOT / word).read_text("utf-8"))
        if re.fullmatch(r"runs/[\w-]+", word) and not path.exists():  # a run that nobody made here
            shutil.copytree(self.folder / "runs" / "quickstart", path)
        if "*" in word and "=" in word and not word.startswith("-"):  # NAME=runs/.../model
            name, _, path = word.partition("=")
            return [f"{name}={found}" for found in self.expanded(path)]
        if "*" not in word:
            return [word]
        return sorted(os.fspath(found.relative_to(self.folder)) for found in self.folder.glob(word)) or [word]

    def limbeck(self, arguments: list[str]) -> tuple[int, str]:
        """Runs the command line in this process, a server in one of its own; its exit code, and all that it said."""
        if arguments[0] == "serve":
            return self.server.start([part for word in arguments for part in self.expanded(word)])
        if arguments[0] == "bench":
            (self.folder / "texts.txt").write_text("Call json.loads.\n", "utf-8")
            arguments = [self.server.here(word) for word in arguments if not word.replace(".", "").isdecimal()]
            arguments = [word for word in arguments if word not in ("--rate", "--seconds")]
            arguments += ["--seconds", "0.2", *(["--rate", "5"] if arguments[1].startswith("http") else [])]
        before = set(self.folder.glob("*.yaml"))
        said = io.StringIO()
        code: Any = 0
        with redirect_stdout(said), redirect_stderr(said):
            try:
                main([part for word in arguments for part in self.expanded(word)])
            except SystemExit as stopped:
                code = stopped.code or 0
        for made in set(self.folder.glob("*.yaml")) - before:  # by `limbeck init`
            self._write(made, made.read_text("utf-8"))
        return int(code), said.getvalue()

    def _write(self, path: Path, text: str) -> None:
        base = yaml.safe_load(text).get("base") or []
        for name in [base] if isinstance(base, str) else base:
            if not (path.parent / name).exists():
                self._write(path.parent / name, (ROOT / "recipes" / name).read_text("utf-8"))
        path.write_text(self.tiny(text), "utf-8")


def file_of(block: Block) -> str | None:
    """The file that a block is the content of, if its first line says so."""
    named = re.match(r"# ([\w-]+\.yaml)\n", block.text)
    return named[1] if named else None


def check(command: Command, sandbox: Sandbox) -> None:
    """Runs a command, or checks that it could be run; see `_CHECKS` for which is which."""
    for part in re.split(r" && ", command.text):
        words = shlex.split(part, comments=True)
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words = words[1:]
        assert words, f"{command.block}: an empty command"
        assert words[0] in _CHECKS, f"{command.block}: nobody knows how to check `{command.text}`"
        _CHECKS[words[0]](words[1:], command, sandbox)


def _run_limbeck(arguments: list[str], command: Command, sandbox: Sandbox) -> None:
    """It succeeds, unless the document shows the sentence that it ends with."""
    code, said = sandbox.limbeck(arguments)
    if command.shown.startswith("limbeck: "):
        assert code != 0, f"{command.block}: `{command.text}` should fail"
        assert command.shown in said, f"{command.block}: it said instead: {said}"
    else:
        assert code == 0, f"{command.block}: `{command.text}` ended with {code}: {said}"


def _run_ls(arguments: list[str], command: Command, sandbox: Sandbox) -> None:
    words = [part for word in arguments for part in sandbox.expanded(word)]
    subprocess.run(["ls", *words], cwd=sandbox.folder, check=True, capture_output=True)


def _run_curl(arguments: list[str], command: Command, sandbox: Sandbox) -> None:
    sandbox.server.curl(arguments)


def _check_make(arguments: list[str], command: Command, sandbox: Sandbox) -> None:
    targets = [word for word in arguments if "=" not in word]
    known = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(targets) <= set(known), f"{command.block}: the Makefile has {known}"


def _check_pip(arguments: list[str], command: Command, sandbox: Sandbox) -> None:
    """The extras exist, and so do files that are named."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extras in re.findall(r"(?:limbeck|\.)\[([\w,]+)\]", " ".join(arguments)):
        missing = set(extras.split(",")) - set(project["optional-dependencies"])
        assert not missing, f"{command.block}: there is no extra {missing}"
    for word in arguments:
        assert not word.endswith(".txt") or (ROOT / word).exists(), f"{command.block}: there is no {word}"


def _check_paths(arguments: list[str], command: Command, sandbox: Sandbox) -> None:
    """Files of the repository that are named exist, and Python files can be compiled."""
    for word in arguments:
        if word.endswith(".py"):
            compile((ROOT / word).read_text("utf-8"), word, "exec")


def _accept(arguments: list[str], command: Command, sandbox: Sandbox) -> None:
    """Changes nothing that a test could see."""


_CHECKS: dict[str, Callable[[list[str], Command, Sandbox], None]] = {
    "limbeck": _run_limbeck,
    "ls": _run_ls,
    "curl": _run_curl,
    "make": _check_make,
    "pip": _check_pip,
    "python": _check_paths,
    "pytest": _check_paths,
    "git": _accept,
    "cd": _accept,
    "source": _accept,
    ".": _accept,
}


def _kind(step: dict[str, Any] | None) -> str:
    return str((step or {}).get("do", ""))


def _is_from_outside(model: object) -> bool:
    return isinstance(model, str) and not model.startswith("@")
