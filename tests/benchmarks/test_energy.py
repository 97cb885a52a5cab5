import logging
import signal
import subprocess
import sys

import pytest

import fake_codecarbon
from limbeck.benchmarks.energy import Energy, energy_used
from limbeck.errors import Interrupted


def test_without_codecarbon_nothing_is_measured(monkeypatch):
    """A zero in place of nothing would claim that training is free."""
    fake_codecarbon.remove(monkeypatch)
    with energy_used("SWE") as spent:
        pass
    assert spent == Energy(None, None)


def test_without_codecarbon_nothing_is_loaded():
    """A part that most do not install must not slow down their runs."""
    code = """
import sys
sys.modules["codecarbon"] = None
before = set(sys.modules)
from limbeck.benchmarks.energy import energy_used
with energy_used("SWE"):
    pass
print(*(name for name in set(sys.modules) - before if name.partition(".")[0] not in sys.stdlib_module_names))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} == {"limbeck"}


def test_energy_and_the_country_s_carbon(monkeypatch):
    """Kilograms written as grams make a training look a thousand times cleaner."""
    tracker = fake_codecarbon.install(monkeypatch)
    with energy_used("SWE") as spent:
        assert spent == Energy(None, None), "nothing is known before the end"
    assert spent == Energy(0.002, pytest.approx(0.08))
    assert tracker.made[0].calls == ["start", "stop"]


@pytest.mark.parametrize("country", [None, "XYZ"])
def test_no_carbon_without_a_known_country(monkeypatch, country):
    """The mean of the world is ten times the figure of some countries, and half that of others."""
    fake_codecarbon.install(monkeypatch)
    with energy_used(country) as spent:
        pass
    assert spent == Energy(0.002, None)


def test_nothing_leaves_the_machine(monkeypatch):
    """Settings of codecarbon's, in the home folder, can turn on outputs that nobody asked for here."""
    tracker = fake_codecarbon.install(monkeypatch)
    with energy_used():
        pass
    settings = tracker.made[0].settings
    assert (settings["output_methods"], settings["output_handlers"], settings["emissions_endpoint"]) == ([], [], None)
    assert settings["electricitymaps_api_token"] == ""
    assert settings["allow_multiple_runs"], "its lock replaces the handlers of Ctrl-C and SIGTERM"


@pytest.mark.parametrize("error", [ZeroDivisionError(), Interrupted(15)])
def test_work_that_fails_is_measured_too(monkeypatch, error):
    """What was used up to an error was used."""
    tracker = fake_codecarbon.install(monkeypatch)
    with pytest.raises(type(error)), energy_used("SWE") as spent:
        raise error
    assert spent.kwh == 0.002
    assert tracker.made[0].calls == ["start", "stop"]


def test_a_meter_that_fails_does_not_stop_the_work(monkeypatch):
    """A sensor that may not be read is no reason to lose a training."""
    fake_codecarbon.install(monkeypatch, broken=True)
    with energy_used("SWE") as spent:
        pass
    assert spent == Energy(None, None)


def test_it_says_nothing(monkeypatch, capfd):
    """Lines between a progress bar and its next state are read by nobody and hide what matters."""
    fake_codecarbon.install(monkeypatch)
    logger = logging.getLogger("codecarbon")
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    try:
        with energy_used():
            pass
        assert capfd.readouterr() == ("", "")
        logger.critical("somebody else's use of it")
        assert capfd.readouterr().err
    finally:
        logger.removeHandler(handler)


def test_the_real_one(monkeypatch, tmp_path, capfd):
    """A fake agrees with whoever wrote it."""
    pytest.importorskip("codecarbon", reason="codecarbon is not installed; it comes with limbeck[emissions]")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODECARBON_OUTPUT_METHODS", "csv,api")
    monkeypatch.setenv("CODECARBON_COUNTRY_ISO_CODE", "POL")
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("it called somewhere"))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    found = {}
    for country in ("SWE", "XYZ", None):
        with energy_used(country) as spent:
            sum(n * n for n in range(3_000_000))
        found[country] = spent
    assert all(spent.kwh is not None and spent.kwh > 0 for spent in found.values())
    assert found["XYZ"].co2_g is None
    assert found[None].co2_g is None
    assert found["SWE"].co2_g is not None
    assert 10 < found["SWE"].co2_g / (found["SWE"].kwh or 1) < 100, "grams a kilowatt-hour"
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
