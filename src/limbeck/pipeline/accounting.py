"""What making a step took, over all its sittings, and how each of them ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from limbeck.benchmarks.energy import Energy, energy_used
from limbeck.benchmarks.machine import machine_name
from limbeck.config import Step
from limbeck.errors import Interrupted
from limbeck.workspace import Workspace

ACCOUNTS = ("started", "seconds", "energy_kwh", "co2_g", "machines")
"""The facts that are kept here; all others are the stage's own."""


@contextmanager
def accounted(out: Workspace, step: Step, country: str | None) -> Iterator[None]:
    """Records start, end, work time, energy and machine, also of a step that fails; a full disk must not hide why.

    The electricity is that of `country`, three capital letters; without one, CO2 is not recorded.
    """
    started, spent = time.monotonic(), Energy()
    out.event("started", do=step.do)
    if "started" not in out.facts:
        out.note("started", datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        with energy_used(country) as spent:
            started = time.monotonic()  # the meter's own start is not the step's work
            yield
    except Interrupted as interruption:
        with suppress(OSError):
            out.event("interrupted", exit_code=interruption.exit_code)
        raise
    except Exception as error:
        with suppress(OSError):
            out.event("failed", error=str(error))
        raise
    finally:
        _add_energy(spent, out)
        out.facts["machines"] = list(dict.fromkeys([*out.facts.get("machines", []), machine_name()]))
        seconds = out.facts.get("seconds", 0.0) + time.monotonic() - started
        with suppress(OSError):
            out.note("seconds", seconds)
    out.event("done", seconds=seconds)


def _add_energy(spent: Energy, out: Workspace) -> None:
    """Adds this sitting's energy to that of those before, unless one of them did not measure it: half a sum misleads.

    A sitting before is known by its seconds; one that was killed has left none, and counts for neither.
    """
    for name, amount in (("energy_kwh", spent.kwh), ("co2_g", spent.co2_g)):
        earlier = out.facts.get(name) if "seconds" in out.facts else 0.0
        if earlier is None or amount is None:
            out.facts.pop(name, None)
        else:
            out.facts[name] = earlier + amount
