"""From a folder to the Hub: one commit, so that nobody fetches half a model.

Large files go first. An upload that was cut off is typed again: what arrived is known by its checksum and stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from limbeck.errors import UserError
from limbeck.publishing.folder import Item


def upload(folder: Path, items: Sequence[Item], name: str, say: Callable[[str], None]) -> str:
    """Makes the repository if it is not there, and uploads the files in one commit.

    Who uploads is known from `HF_TOKEN` or `hf auth login`; a token is never shown.

    Args:
        folder: where the files are.
        items: which of them.
        name: OWNER/NAME on the Hub.
        say: is told what is done.

    Returns:
        The address of the commit.

    Raises:
        UserError: the Hub is not reached, refuses, or does not take the card.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    hub = HfApi(library_name="limbeck")
    files = [CommitOperationAdd(path_in_repo=item.path, path_or_fileobj=folder / item.path) for item in items]
    try:
        address = hub.create_repo(name, exist_ok=True)
        say(f"uploading {len(items)} files, {sum(item.bytes for item in items) / 1e6:.1f} MB, to {address}")
        made = hub.create_commit(name, files, commit_message="Upload model and card")
    except HfHubHTTPError as error:
        raise UserError(_refused(name, error)) from None
    except OfflineModeIsEnabled:
        raise UserError("HF_HUB_OFFLINE is set, so nothing was uploaded; unset it and type the same command") from None
    except ValueError as error:
        raise UserError(f"the Hub did not take what was sent to {name}: {' '.join(str(error).split())}") from None
    except Exception as error:  # whatever the library's transport raises, which changes with its version
        raise UserError(
            f"the upload to {name} was cut off ({_reason(error)}); type the same command again: what arrived is not"
            " sent again"
        ) from None
    return str(made.commit_url)


def _refused(name: str, error: Exception) -> str:
    """What to do about an answer of the Hub that is a refusal."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return (
            f"the Hub does not let this user write to {name} ({status}); give a token that may write, as HF_TOKEN or by"
            " `hf auth login`, and check the owner's name"
        )
    return f"the Hub refused {name}: {_reason(error)}"


def _reason(error: BaseException) -> str:
    """The innermost cause in one line, without addresses that hold signatures."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.partition("?")[0][:200]
