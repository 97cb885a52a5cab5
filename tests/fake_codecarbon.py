"""A codecarbon without sensors: each use of it took 2 Wh, in Sweden 80 mg of CO2; it knows no other country."""

import logging
import sys
import time
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest


class FakeTracker:
    """Remembers how it was made and what was asked of it."""

    made: "ClassVar[list[FakeTracker]]"
    startup_seconds = 0.0
    broken = False

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.calls: list[str] = []
        self.made.append(self)

    def start(self) -> None:
        """As loud and as slow as the real one."""
        logging.getLogger("codecarbon").critical("I am codecarbon")
        time.sleep(self.startup_seconds)
        self.calls.append("start")

    def stop(self) -> None:
        """Keeps the figures where the real one does; when it fails it keeps none and raises nothing."""
        self.calls.append("stop")
        if not self.broken:
            sweden = self.settings["country_iso_code"] == "SWE"
            self.final_emissions_data = SimpleNamespace(
                energy_consumed=0.002,
                emissions=8e-5 if sweden else 1e-3,  # of the world, if of no country that it knows
                country_name="Sweden" if sweden else None,
            )


def install(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> type[FakeTracker]:
    """Puts it in codecarbon's place, with other `startup_seconds`, or `broken`."""
    tracker = type("Tracker", (FakeTracker,), {"made": [], **changes})
    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=tracker))
    return tracker


def remove(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it had never been installed."""
    monkeypatch.setitem(sys.modules, "codecarbon", None)
