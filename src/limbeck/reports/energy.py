"""What a run says of its energy, which is an estimate, and of its CO2, which is an estimate from that."""

from limbeck.reports.report import Report
from limbeck.reports.wording import plain


def energy_sentence(report: Report) -> str:
    """How much, of how many steps, and why CO2 is not told where it is not."""
    done = [step for step in report.steps if step.status == "done"]
    measured = [step for step in done if step.energy_kwh_estimated is not None]
    if not measured:
        return "Energy was not measured: install limbeck[emissions]."
    of_all = f"all {len(done)} steps" if len(measured) == len(done) else f"{len(measured)} of {len(done)} steps"
    energy = f"Energy of the whole machine during {of_all}, estimated by codecarbon:"
    energy += f" {plain(report.cost.energy_kwh_estimated)} kWh"
    if report.cost.co2_g_estimated is not None:
        return f"{energy}; {plain(report.cost.co2_g_estimated)} g CO₂e at the yearly mean of the country’s electricity."
    return f"{energy}. {_why_no_co2(report)}"


def _why_no_co2(report: Report) -> str:
    if (report.recipe.get("engine") or {}).get("country") is None:
        return "CO₂ is not told, since it depends on whose electricity that was: name the country as engine.country."
    return "CO₂ is not told: steps ran before the recipe named its country, or codecarbon has no figures for it."
