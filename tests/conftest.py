import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("limbeck", deadline=None)
settings.load_profile("limbeck")
"""A machine under load is slow, not wrong: no example has a deadline."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets; a test that needs it fails where a file is missing from it."""
    folder = os.environ.get("LIMBECK_DATA")
    if not folder:
        pytest.skip("LIMBECK_DATA is not set; it names a folder of real data sets")
    return Path(folder)
