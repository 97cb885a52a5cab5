import yaml
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard_data import model_index_to_eval_results

from limbeck.publishing.front_matter import DataSet, Emissions, Result, front_matter, hub_metric

KNOWN = {
    "name": "ann/bert-sv",
    "task": "token-classification",
    "language": ["sv"],
    "license": "mit",
    "base_models": ["google-bert/bert-base-multilingual-cased"],
    "datasets": ["KBLab/sucx3_ner"],
    "results": [
        Result(
            DataSet("sucx3_ner", "KBLab/sucx3_ner", "original_cased", "test", "refs/convert/parquet"), "F1", 0.85912
        ),
        Result(DataSet("own"), "Matthews correlation", 0.5),
    ],
    "emissions": Emissions(12.3456, "distillation and fine-tuning", "AMD EPYC, 2 cores"),
}


def _card(**changes):
    return ModelCard(f"---\n{front_matter(**{**KNOWN, **changes}).to_yaml()}\n---\n\n# x\n")


def test_the_hub_s_own_classes_read_it_back():
    """Metadata that the Hub cannot read is not shown, and nobody finds the model."""
    data = _card().data
    assert isinstance(data, ModelCardData)
    assert (data.language, data.license, data.library_name) == ("sv", "mit", "transformers")
    assert (data.pipeline_tag, data.base_model) == (KNOWN["task"], KNOWN["base_models"])
    first, second = data.eval_results
    assert (first.dataset_type, first.dataset_config, first.dataset_split) == (
        "KBLab/sucx3_ner",
        "original_cased",
        "test",
    )
    assert (first.dataset_revision, first.metric_type, first.metric_value) == ("refs/convert/parquet", "f1", 0.8591)
    assert (second.dataset_type, second.metric_type) == ("own", "matthews_correlation")
    index = yaml.safe_load(_card().content.split("---")[1])["model-index"]
    assert model_index_to_eval_results(index) == ("bert-sv", data.eval_results)


def test_emissions_are_in_grams():
    """The Hub reads grams; kilograms would make a model look a thousand times as frugal."""
    told = _card().data.co2_eq_emissions
    assert told["emissions"] == 12.346
    assert told["hardware_used"] == "AMD EPYC, 2 cores"


def test_what_is_not_known_is_left_out():
    """An empty field looks like a fact."""
    front = _card(base_models=[], datasets=[], results=[], emissions=None).data.to_dict()
    assert set(front) == {"language", "license", "library_name", "pipeline_tag", "tags"}


def test_the_hub_takes_it(hub):
    """Its own validation is the last word."""
    _card().validate()
    assert hub.log == ["POST /api/validate-yaml"]


def test_metrics_have_the_hub_s_names():
    """A leaderboard groups by them."""
    assert [hub_metric(name) for name in ("F1", "SQuAD exact match", "Krippendorff's alpha (nominal)")] == [
        "f1",
        "exact_match",
        "krippendorffs_alpha_(nominal)",
    ]
