"""What the operating system refuses, in words that say what to do."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limbeck.errors import LimbeckError, UserError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")
"""As libraries put it that hide the number."""
_MEMORY_WORDS = ("can't allocate memory", "out of memory")


@contextmanager
def in_plain_words(doing: str, folder: Path) -> Iterator[None]:
    """Turns a full disk and scarce memory into a sentence; a defect of ours passes as it is.

    Args:
        doing: what was being done, as in "making the step text".
        folder: where it was written.

    Raises:
        UserError: says what to do.
    """
    try:
        yield
    except LimbeckError:
        raise
    except Exception as error:
        sentence = _sentence(error, doing, folder)
        if sentence is None:
            raise
        raise UserError(sentence) from error


def made_folder(folder: Path) -> Path:
    """`folder`, made with those above it if need be.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise UserError(
            f"the run folder {folder} cannot be written ({error.strerror}); choose another place with --runs"
        ) from None
    return folder


def _sentence(error: Exception, doing: str, folder: Path) -> str | None:
    text = str(error)
    if getattr(error, "errno", None) in _FULL or any(words in text for words in _FULL_WORDS):
        free = shutil.disk_usage(folder).free
        return (
            f"the disk is full while {doing} in {folder} ({free / 1e6:.0f} MB free);"
            " finished steps are kept: free some space and run the same command again"
        )
    if isinstance(error, MemoryError) or any(words in text for words in _MEMORY_WORDS):
        return (
            f"{doing} needs more memory than this machine has;"
            " set a smaller batch or length and run again: finished steps are kept"
        )
    return None
