import json
import subprocess
import sys

from limbeck.benchmarks.machine import PACKAGES, arithmetic, cpu_name, machine, machine_name


def test_facts_are_complete_and_json():
    """A latency without its machine cannot be compared with anything."""
    facts = json.loads(json.dumps(machine()))
    assert facts["cores"] >= 1
    assert facts["memory_bytes"] > 0
    assert set(facts["packages"]) == set(PACKAGES)
    assert facts["packages"]["limbeck"]


def test_arithmetic_says_how_many_threads():
    """Half the threads is half the speed; a report that does not say so misleads."""
    import torch

    facts = arithmetic()
    assert facts["threads"] == torch.get_num_threads()
    assert isinstance(facts["instructions"], list)


def test_the_processor_has_a_name(tmp_path):
    """`x86_64` is no processor."""
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Fast CPU 3000\nmodel name\t: other\n")
    assert cpu_name(info) == "Fast CPU 3000"
    assert cpu_name(tmp_path / "missing")


def test_it_does_not_load_torch():
    """A run in which every step is skipped has to end in seconds, and loading torch takes longer."""
    code = "import sys; from limbeck.benchmarks.machine import machine; assert machine()['arithmetic'] is None"
    subprocess.run([sys.executable, "-c", code + "; assert 'torch' not in sys.modules"], check=True)


def test_one_line_names_the_machine():
    """A number on a card is read by somebody who has another machine."""
    assert machine_name().startswith(cpu_name())
    assert "core" in machine_name()
