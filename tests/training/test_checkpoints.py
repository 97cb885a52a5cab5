import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from training_support import Tiny, training, weights

from limbeck.training.checkpoints import KEPT, Checkpoints
from limbeck.training.optimiser import make_optimiser
from tiny_world import flip_bit


class Store:
    """Checkpoints of a tiny model, whose weights after update n are those of seed n."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.checkpoints = Checkpoints(folder, self.said.append)

    def save(self, update: int) -> None:
        model = Tiny(update)
        optimiser = make_optimiser(model, training())
        model(torch.ones(1, 2, dtype=torch.long))[1].sum().backward()
        optimiser.step()
        self.checkpoints.save(update, model, optimiser, {"loss": update / 10})

    def restore(self) -> tuple[int, bytes] | None:
        """The update and weights found; checks that both belong together."""
        model = Tiny(0)
        found = self.checkpoints.restore(model, make_optimiser(model, training()))
        if found is None:
            return None
        assert found[1] == {"loss": found[0] / 10}
        return found[0], weights(model)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store."""
    return Store(tmp_path / "checkpoints")


def test_the_newest_is_restored_and_two_are_kept(store):
    """Keeping all fills the disk; keeping one leaves nothing when it is damaged."""
    for update in (5, 10, 15):
        store.save(update)
    assert store.names() == ["update-000000010", "update-000000015"]
    assert KEPT == 2
    found = store.restore()
    assert found is not None
    assert found[0] == 15
    assert not store.said


def test_a_new_training_has_nothing_to_restore(store):
    """A first run must not be told that something is wrong."""
    assert store.restore() is None
    assert not store.said


@pytest.mark.parametrize("place", [-1, -40, 200], ids=["last", "inside", "early"])
@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json"])
def test_one_flipped_bit_is_noticed(store, name, place):
    """Loaders of weights take a flipped bit without a word, and the training goes on from noise."""
    store.save(5)
    good = store.restore()
    store.save(10)
    flip_bit(store.folder / "update-000000010" / name, place)
    if name.endswith("safetensors") and place < 0:
        load_file(store.folder / "update-000000010" / name)  # as said above
    assert store.restore() == good
    assert store.said == [
        "the checkpoint update-000000010 is damaged and was deleted; going back to what was before it"
    ]


def test_every_bit_of_the_state_counts(store):
    """An update number that reads 18 where 10 stood is still valid JSON."""
    store.save(10)
    folder = store.folder / "update-000000010"
    whole = shutil.copytree(folder, store.folder.parent / "whole")
    for place in range(len((whole / "state.json").read_bytes())):
        shutil.copytree(whole, folder, dirs_exist_ok=True)
        flip_bit(folder / "state.json", place)
        assert store.restore() is None, f"byte {place} was not missed"


@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json"])
def test_a_missing_or_short_file_is_noticed(store, name):
    """A disk that filled up or lost power leaves short files."""
    store.save(5)
    good = store.restore()
    for damage in (Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-7])):
        store.save(10)
        damage(store.folder / "update-000000010" / name)
        assert store.restore() == good


def test_when_all_are_damaged_the_training_starts_anew(store):
    """Better an hour again than weights nobody can vouch for."""
    store.save(5)
    store.save(10)
    for folder in store.folder.iterdir():
        flip_bit(folder / "model.safetensors", -1)
    assert store.restore() is None
    assert len(store.said) == 2


def test_a_damaged_one_does_not_block_its_name(store):
    """Continued from update 5, the training comes past update 10 again and has to save there."""
    store.save(5)
    store.save(10)
    good = store.restore()
    flip_bit(store.folder / "update-000000010" / "model.safetensors", -1)
    store.restore()
    store.save(10)
    assert store.restore() == good
    assert store.names() == ["update-000000005", "update-000000010"]


def test_what_was_being_written_is_ignored_and_replaced(store):
    """A process killed while it saves leaves a folder with some of the files."""
    store.save(5)
    partial = store.folder / ".partial"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"half of it")
    found = store.restore()
    assert found is not None
    assert found[0] == 5
    store.save(10)
    assert store.names() == ["update-000000005", "update-000000010"]


def test_a_state_of_another_shape_is_damage(store):
    """A file that is JSON and yet no state should lead back to the one before, not to a traceback."""
    store.save(5)
    for content in ("[]", "{}", "3", '{"sha256": 1, "fingerprint": "x"}'):
        store.save(10)
        (store.folder / "update-000000010" / "state.json").write_text(content)
        found = store.restore()
        assert found is not None
        assert found[0] == 5


def test_frozen_weights_are_not_saved(store):
    """Frozen embeddings are most of a small model; saving them every minute is most of the time."""
    model = Tiny()
    model.words.weight.requires_grad = False
    store.checkpoints.save(1, model, make_optimiser(model, training()), None)
    saved = load_file(store.folder / "update-000000001" / "model.safetensors")
    assert "words.weight" not in saved
    assert "out.weight" in saved
    other = Tiny(5)
    other.words.weight.requires_grad = False
    before = other.words.weight.clone()
    store.checkpoints.restore(other, make_optimiser(other, training()))
    assert torch.equal(other.words.weight, before)
    assert torch.equal(other.out.weight, model.out.weight)


def test_tied_weights_are_saved_once(store):
    """The format refuses tensors that share memory; a masked-LM head shares the embeddings."""
    model = Tiny()
    model.out = nn.Linear(6, 12)
    model.out.weight = model.words.weight
    store.checkpoints.save(1, model, make_optimiser(model, training()), None)
    other = Tiny(5)
    other.out.weight = other.words.weight
    store.checkpoints.restore(other, make_optimiser(other, training()))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    assert other.out.weight is other.words.weight


def test_progress_comes_back_as_it_was(store):
    """A curve that lost digits on the way would not equal the unbroken run's."""
    model = Tiny()
    progress = {"rows": [[1, 0.1 + 0.2], [2, 1e-30]], "naïve": None}
    store.checkpoints.save(1, model, make_optimiser(model, training()), progress)
    assert store.checkpoints.restore(model, make_optimiser(model, training())) == (1, progress)
    json.loads((store.folder / "update-000000001" / "state.json").read_text("utf-8"))
