from pathlib import Path

import pytest
from huggingface_hub import constants

from limbeck.stages import doctor as clinic
from limbeck.stages.doctor import Check, doctor


def by_name(checks: list[Check]) -> dict[str, Check]:
    """Checks by what they look at."""
    return {check.name: check for check in checks}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_everything_is_looked_at(tmp_path: Path) -> None:
    """What the doctor does not look at, a user finds out after an hour of training."""
    checks = by_name(doctor(tmp_path))
    wanted = {"Python", "torch", "transformers", "tokenizers", "processor", "GPU", "memory", "disk", "Hub", "Hub cache"}
    assert wanted <= set(checks)
    assert {"extra export", "extra quickstart", "extra emissions"} <= set(checks)
    assert "extra dev" not in checks
    assert all(check.found for check in checks.values())


def test_every_failure_comes_with_advice(tmp_path: Path) -> None:
    """A fault without a remedy is not a diagnosis."""
    assert all(check.ok or check.advice for check in doctor(tmp_path))


def test_a_version_out_of_range_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Transformers 4 imports well and fails deep inside a run."""
    monkeypatch.setattr(clinic, "_version", lambda package: "4.57.0" if package == "transformers" else "99.0")
    check = by_name(doctor(tmp_path))["transformers"]
    assert not check.ok
    assert check.required
    assert check.found == "4.57.0"
    assert check.advice.startswith("pip install 'transformers")


def test_a_missing_extra_names_its_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A missing extra is no failure, but the command to get it must be at hand."""
    found = clinic._version
    monkeypatch.setattr(clinic, "_version", lambda package: None if package == "onnxruntime" else found(package))
    check = by_name(doctor(tmp_path))["extra export"]
    assert (check.ok, check.required, check.advice) == (False, False, "pip install 'limbeck[export]'")
    assert "onnxruntime" in check.found


def test_offline_mode_is_obeyed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who set HF_HUB_OFFLINE does not want a request."""

    def refuse(address: str) -> bool:
        raise AssertionError(address)

    monkeypatch.setattr(clinic, "_answers", refuse)
    assert "HF_HUB_OFFLINE is set" in by_name(doctor(tmp_path))["Hub"].found


def test_an_unreachable_hub_is_said_and_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without network can still distil local models."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    check = clinic._hub()
    assert (check.ok, check.required) == (False, False)
    assert "does not answer" in check.found


def test_little_disk_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A disk that fills up at the last step costs the whole run."""
    monkeypatch.setattr(clinic, "DISK_BYTES", 10**18)
    check = clinic._disk(tmp_path)
    assert not check.ok
    assert "--runs" in check.advice
