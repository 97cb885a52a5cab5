import pytest

from limbeck.reports.energy import energy_sentence
from limbeck.reports.report import Cost, Report, StepRow

MEASURED = StepRow(step="a", do="corpus", status="done", energy_kwh_estimated=0.02)
NOT_MEASURED = StepRow(step="b", do="corpus", status="done")
NOT_MADE = StepRow(step="c", do="corpus", status="not made")
SWEDISH = {"engine": {"kind": "single", "country": "SWE"}}


def _sentence(steps, kwh=0.02, co2=None, recipe=None):
    cost = Cost(energy_kwh_estimated=kwh, co2_g_estimated=co2)
    return energy_sentence(
        Report(name="x", version="0", finished=True, headline="", steps=steps, cost=cost, recipe=recipe or {})
    )


def test_energy_with_its_carbon():
    """A figure without saying that it is an estimate, and of what, is quoted as a measurement."""
    assert _sentence([MEASURED, NOT_MADE], co2=0.8, recipe=SWEDISH) == (
        "Energy of the whole machine during all 1 steps, estimated by codecarbon: 0.02 kWh;"
        " 0.8 g CO₂e at the yearly mean of the country’s electricity."
    )


def test_steps_that_nobody_measured_are_told():
    """Steps made before codecarbon was installed took energy too."""
    assert "during 1 of 2 steps," in _sentence([MEASURED, NOT_MEASURED])


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ({}, "name the country as engine.country"),
        ({"engine": {"kind": "single"}}, "name the country as engine.country"),
        (SWEDISH, "steps ran before the recipe named its country, or codecarbon has no figures for it"),
    ],
)
def test_why_there_is_no_carbon(recipe, why):
    """A gap without a reason is filled in with a guess."""
    assert why in _sentence([MEASURED], recipe=recipe)


def test_nothing_measured():
    """A blank reads as zero."""
    assert _sentence([NOT_MEASURED], kwh=None) == "Energy was not measured: install limbeck[emissions]."
