import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

import tiny_world
from limbeck.cli import main

settings.register_profile("limbeck", deadline=None)
settings.load_profile("limbeck")
"""A machine under load is slow, not wrong: no example has a deadline."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets; a test that needs it fails where a file is missing from it."""
    folder = os.environ.get("LIMBECK_DATA")
    if not folder:
        # They are not ours to carry, and a clone has to pass without them; where they are promised nothing is skipped.
        pytest.skip("LIMBECK_DATA is not set; it names a folder of real data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tiny_world.World:
    """Model, text and tagged sentences, shared by all tests: copy what is to be changed."""
    return tiny_world.build(tmp_path_factory.mktemp("world"))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, in this process and in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def call(*arguments: object) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(int(stopped.value.code or 0), captured.out, captured.err)

    return call
