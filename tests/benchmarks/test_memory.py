import time

import pytest
import torch
from transformers import BertConfig, BertModel

from limbeck.benchmarks.memory import PeakGrowth, peak_memory
from limbeck.errors import ModelError
from tiny_encoders import model_of


def test_the_peak_counts_not_the_end():
    """A model that needs 2 GB for a moment is killed on a machine that has 1 GB."""
    seen = iter([100, 150, 900])
    with PeakGrowth(lambda: next(seen, 300), every=0.001) as growth:
        time.sleep(0.05)
    assert growth.bytes == 800


def test_a_short_life_is_seen_at_its_end():
    """A context that ends between two looks would report no growth at all."""
    seen = iter([100])
    with PeakGrowth(lambda: next(seen, 300), every=60) as growth:
        pass
    assert growth.bytes == 200


@pytest.mark.slow
def test_a_bigger_model_takes_more_memory_in_its_own_process(tmp_path):
    """Models measured in one process inherit each other's peaks."""
    for name, layers in (("small", 1), ("large", 8)):
        torch.manual_seed(0)
        shape = {"hidden_size": 256, "num_attention_heads": 2, "intermediate_size": 1024, "vocab_size": 50}
        BertModel(BertConfig(num_hidden_layers=layers, **shape)).save_pretrained(tmp_path / name)
    small, large = peak_memory([str(tmp_path / "small"), str(tmp_path / "large")], tokens=16)
    weights = 7 * 12 * 256 * 256 * 4
    assert large - small > 0.8 * weights


@pytest.mark.slow
@pytest.mark.parametrize("head", ["SequenceClassification", "QuestionAnswering"])
def test_a_model_of_any_task_is_measured(head, tmp_path):
    """A process that does not know the model's class ends the whole benchmark."""
    model_of("bert", f"For{head}").save_pretrained(tmp_path)
    assert peak_memory([str(tmp_path)], tokens=8)[0] > 0


@pytest.mark.slow
def test_a_model_that_does_not_load_is_named(tmp_path):
    """A failed measurement that counts as zero bytes makes a broken model the smallest."""
    with pytest.raises(ModelError, match=r"nowhere could not be measured"):
        peak_memory([str(tmp_path / "nowhere")], tokens=8)
