import re

import pytest

from fake_hub import TOKEN
from limbeck.errors import UserError
from limbeck.publishing.folder import inventory
from limbeck.publishing.uploading import upload

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""huggingface_hub sends large files in a way that its transport no longer wants."""


def _upload(folder, said=None):
    return upload(folder, inventory(folder), "a/b", (said if said is not None else []).append)


def test_what_was_shown_is_what_arrives(hub, folder):
    """A file that the dry run listed and the Hub never got is missed by the first user."""
    said = []
    address = _upload(folder, said)
    assert address.startswith(hub.address)
    assert hub.files == {item.path: (folder / item.path).read_bytes() for item in inventory(folder)}
    assert hub.commits == 1, "half a model is never seen"
    assert said == [f"uploading 4 files, 0.0 MB, to {hub.address}/a/b"]


def test_what_arrived_is_not_sent_again(hub, folder):
    """Gigabytes that are sent twice after every cut never end on a bad line."""
    hub.breaks_after = 1
    with pytest.raises(UserError, match=r"the upload to a/b was cut off .* type the same command again"):
        _upload(folder)
    assert (hub.commits, len(hub.stored)) == (0, 1)
    arrived = next(iter(hub.stored))
    hub.breaks_after, hub.log[:] = None, []
    _upload(folder)
    assert [line for line in hub.log if line == f"PUT /store/{arrived}"] == []
    assert len([line for line in hub.log if line.startswith("PUT /store/")]) == 1
    assert len(hub.files) == 4


def test_a_second_upload_sends_only_what_changed(hub, folder):
    """A corrected card should not cost another upload of the weights."""
    _upload(folder)
    (folder / "README.md").write_text((folder / "README.md").read_text() + "\nMore.\n")
    hub.log[:] = []
    _upload(folder)
    assert [line for line in hub.log if line.startswith("PUT")] == []
    assert hub.commits == 2
    assert hub.files["README.md"].endswith(b"More.\n")


def test_a_card_that_the_hub_does_not_take_is_found_first(hub, folder):
    """Found after the weights, it costs an hour."""
    (folder / "README.md").write_text("---\nlanguage: sv\n---\n")
    with pytest.raises(UserError, match="the Hub did not take what was sent to a/b: Invalid metadata"):
        _upload(folder)
    assert not hub.stored


def test_who_may_not_write_is_told_so_and_no_token_is_shown(hub, folder, capfd):
    """A token in a log is a stolen token."""
    hub.writers = set()
    with pytest.raises(UserError, match=r"does not let this user write to a/b \(403\)") as refused:
        _upload(folder)
    captured = capfd.readouterr()
    assert not re.search(TOKEN, f"{refused.value}{captured.out}{captured.err}")


def test_offline_nothing_is_tried(folder, monkeypatch):
    """A stack trace does not say that a switch is set."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        _upload(folder)


def test_no_connection_is_one_sentence(hub, folder, monkeypatch):
    """Neither does it say that a cable is out."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="was cut off"):
        _upload(folder)
