"""Energy that a piece of work takes, estimated by codecarbon where that is installed.

Nothing leaves the machine: no request, no file, no word on the terminal. codecarbon reads the energy counters of
processor and GPU where it may, and elsewhere guesses from the processor's design power and its load.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Energy:
    """What the whole machine used; None where nothing measured it."""

    kwh: float | None = None
    co2_g: float | None = None
    """Grams of CO2 equivalent; None without a country, and for one that codecarbon has no figures for."""


@contextmanager
def energy_used(country: str | None = None) -> Iterator[Energy]:
    """Measures while it lasts; what it yields is filled in when it ends, also by an exception.

    Without codecarbon nothing is measured and nothing heavy is imported. With it, the first use in a process takes
    about two seconds, and every second a quarter of a millisecond.

    Args:
        country: whose electricity it is, three capital letters; the mean of a year counts for every hour of it.
    """
    energy = Energy()
    logger = logging.getLogger("codecarbon")
    before, logger.disabled = logger.disabled, True  # it warns on the terminal before its own level is set
    try:
        tracker = _tracker(country)
        try:
            if tracker is not None:
                tracker.start()
            yield energy
        finally:
            if tracker is not None:
                tracker.stop()
                _fill_in(energy, tracker)
    finally:
        logger.disabled = before


def _tracker(country: str | None) -> Any:
    """A tracker that has not been started, or None without codecarbon.

    Every setting that a file or the environment could turn into a request, an output or another country is given;
    those that describe the machine, such as `CODECARBON_FORCE_CPU_POWER`, stay the user's.
    """
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        return None
    return OfflineEmissionsTracker(
        country_iso_code=country,
        country_2letter_iso_code=None,
        region=None,
        cloud_provider=None,
        cloud_region=None,
        force_carbon_intensity_g_co2e_kwh=None,
        electricitymaps_api_token="",  # None would have it look for one in its files
        emissions_endpoint=None,
        output_methods=[],
        output_handlers=[],
        output_dir=tempfile.gettempdir(),
        tracking_mode="machine",
        allow_multiple_runs=True,  # its lock would take Ctrl-C and SIGTERM away from us
        log_level="critical",
    )


def _fill_in(energy: Energy, tracker: Any) -> None:
    data = getattr(tracker, "final_emissions_data", None)
    if data is None:
        return  # codecarbon failed; it hides its exceptions
    energy.kwh = float(data.energy_consumed)
    if data.country_name:  # without a country that it knows, codecarbon takes the world's mean and does not say so
        energy.co2_g = 1000 * float(data.emissions)
