"""One process per run folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limbeck.errors import UserError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the run folder; the operating system lets go of it when the process ends, however it ends.

    Raises:
        UserError: another process is running in it.
    """
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another limbeck process is running in {folder};"
                " wait for it, or give this run another folder with --runs"
            ) from None
        yield
