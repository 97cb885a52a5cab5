import json
from contextlib import suppress

import pytest

import fake_codecarbon
from limbeck.errors import DataError, Interrupted
from limbeck.pipeline.accounting import ACCOUNTS, accounted
from limbeck.pipeline.recipe import parse_recipe
from limbeck.pipeline.running import run
from limbeck.stages.corpus import CorpusStep
from limbeck.workspace import Workspace

STEP = CorpusStep.parse({"sources": [{"kind": "text", "path": "text.txt"}]}, "text")


@pytest.fixture
def sitting(tmp_path):
    """Sits down to a step once more, perhaps to be stopped; the facts that are kept."""
    facts = tmp_path / ".scratch" / "facts.json"

    def sit(country="SWE", error=None):
        out = Workspace(tmp_path)
        out.facts = json.loads(facts.read_text()) if facts.exists() else {}
        with suppress(DataError, Interrupted), accounted(out, STEP, country):
            if error is not None:
                raise error
        return json.loads(facts.read_text())

    return sit


def test_energy_is_that_of_all_sittings(sitting, monkeypatch):
    """Energy since the last start only would make an interrupted run look frugal."""
    fake_codecarbon.install(monkeypatch)
    first = sitting(error=Interrupted(15))
    assert (first["energy_kwh"], first["co2_g"]) == (0.002, pytest.approx(0.08))
    sitting(error=DataError("no"))
    last = sitting()
    assert (last["energy_kwh"], last["co2_g"]) == (pytest.approx(0.006), pytest.approx(0.24))
    assert last["started"] == first["started"]
    assert last["seconds"] > first["seconds"]
    assert set(last) == set(ACCOUNTS)


def test_a_sitting_without_a_meter_leaves_no_sum(sitting, monkeypatch):
    """The half that was measured would be read as the whole."""
    fake_codecarbon.remove(monkeypatch)
    assert set(sitting(error=Interrupted(15))) == {"started", "seconds", "machines"}
    fake_codecarbon.install(monkeypatch)
    assert set(sitting()) == {"started", "seconds", "machines"}


def test_a_last_sitting_without_a_meter_leaves_no_sum(sitting, monkeypatch):
    """Nor may it stand because it was measured first."""
    fake_codecarbon.install(monkeypatch)
    sitting(error=Interrupted(15))
    fake_codecarbon.remove(monkeypatch)
    assert set(sitting()) == {"started", "seconds", "machines"}


def test_a_country_that_came_late_tells_no_carbon(sitting, monkeypatch):
    """The energy is known for all of it, its carbon for a part only."""
    fake_codecarbon.install(monkeypatch)
    sitting(country=None, error=Interrupted(15))
    last = sitting()
    assert last["energy_kwh"] == pytest.approx(0.004)
    assert "co2_g" not in last


def test_the_meter_s_own_start_is_no_work(sitting, monkeypatch):
    """The first step of every run would be two seconds slower than it is."""
    fake_codecarbon.install(monkeypatch, startup_seconds=0.5)
    assert sitting()["seconds"] < 0.4


def test_a_run_records_and_reports_it(tmp_path, world, monkeypatch):
    """Measured, kept in the manifest, summed in the report: each link can be missing without an error."""
    tracker = fake_codecarbon.install(monkeypatch)
    source = {"kind": "text", "path": str(world.text), "documents": "line"}
    steps = {name: {"do": "corpus", "sources": [source], "language": name} for name in ("aa", "bb")}
    recipe = parse_recipe({"name": "metered", "engine": {"kind": "single", "country": "SWE"}, "steps": steps})
    made = run(recipe, tmp_path)
    assert made.artifacts["aa"].facts["energy_kwh"] == 0.002
    report = json.loads((made.folder / "report.json").read_text())
    assert report["cost"]["energy_kwh_estimated"] == pytest.approx(0.004)
    assert report["cost"]["co2_g_estimated"] == pytest.approx(0.16)
    assert [step["energy_kwh_estimated"] for step in report["steps"]] == [0.002, 0.002]
    assert [each.settings["country_iso_code"] for each in tracker.made] == ["SWE", "SWE"]
    run(recipe, tmp_path)
    assert len(tracker.made) == 2, "a step that is skipped takes nothing"
