"""What clients get, in each form of asking."""

import json
import time

import pytest
from huggingface_hub import InferenceClient
from serving_support import INPUTS, QUESTION, TEXT


def _same(ours, theirs):
    """As JSON, but for the last digits of the scores: a batch of others rounds them otherwise."""
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            _same(mine, other)
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            assert ours[name] == (pytest.approx(value, abs=1e-5) if isinstance(value, float) else value)


def _post(served, path, body):
    response = served.client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("name", INPUTS)
def test_a_server_says_what_the_model_says(name, served):
    """An answer that changes on its way is a bug that no test of the model finds."""
    said, expected = _post(served, f"/models/{name}", {"inputs": INPUTS[name]}), served.models[name](INPUTS[name])
    _same(said, [expected] if name == "sorts" else expected)
    batch = _post(served, f"/models/{name}", {"inputs": [INPUTS[name]] * 3})
    _same(batch, [expected] * 3)


def test_the_official_client_works_unchanged(served, monkeypatch):
    """Who has code for Hugging Face's inference API changes one address."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # it would not even call this machine
    at = {name: InferenceClient(model=f"{served.url}/models/{name}") for name in INPUTS}
    answer = at["asks"].question_answering(**QUESTION)
    assert TEXT[answer.start : answer.end] == answer.answer
    three = at["asks"].question_answering(**QUESTION, top_k=3, max_answer_len=5)
    assert len(three) == 3
    entities = at["tags"].token_classification(TEXT, aggregation_strategy="simple", ignore_labels=[])
    assert {each.entity_group for each in entities} <= {"O", "PER", "LOC"}
    assert len(at["sorts"].text_classification(TEXT, top_k=2)) == 2
    choices = at["fills"].fill_mask(INPUTS["fills"], top_k=2, targets=["was", "Stockholm"])
    assert [bool(each.token_str) for each in choices] == [True, True]


def test_deepinfra_s_form(served):
    """A client of the page that DistilBERT was served on reads the price and the time from the answer."""
    said = _post(served, "/v1/inference/asks", QUESTION)
    _same({name: said[name] for name in ("answer", "score", "start", "end")}, served.models["asks"](QUESTION))
    status, model = said["inference_status"], served.models["asks"]
    (asked,) = model.prepare([QUESTION], model.options({}))
    assert (status["status"], status["tokens_input"]) == ("succeeded", asked.tokens)
    assert status["cost"] == pytest.approx(status["runtime_ms"] / 1000 * 0.0005, rel=0.01)
    assert len(said["request_id"]) == 32
    for name in ("tags", "sorts", "fills"):
        results = _post(served, f"/v1/inference/{name}", {"input": INPUTS[name]})["results"]
        _same(results, served.models[name](INPUTS[name]))


def test_the_form_of_text_embeddings_inference(served):
    """A classifier that replaces such a server is asked by clients that stay."""
    one = _post(served, "/predict", {"inputs": TEXT})
    assert [sorted(each) for each in one] == [["label", "score"]] * 3
    pair = _post(served, "/predict", {"inputs": ["a", "b"], "raw_scores": True})
    assert sum(each["score"] for each in pair) != pytest.approx(1)
    batch = _post(served, "/predict", {"inputs": [["a"], ["a", "b"]]})
    assert [len(each) for each in batch] == [3, 3]


def test_what_operators_ask(served):
    """A load balancer that cannot tell a busy server from a dead one kills the busy one."""
    assert served.client.get("/health").json() == {"status": "ok"}
    assert served.client.get("/health/live").status_code == 200
    assert served.client.get("/health/ready").json() == {"status": "ok"}
    about = {each["name"]: each["task"] for each in served.client.get("/info").json()["models"]}
    assert about == {name: served.models[name].task for name in INPUTS}
    _post(served, "/models/tags", {"inputs": TEXT})
    counters = served.client.get("/metrics").text
    assert 'limbeck_requests_total{model="tags",status="200"}' in counters
    assert 'limbeck_tokens_per_second{model="asks"}' in counters
    paths = served.client.get("/openapi.json").json()["paths"]
    assert {"/models/asks", "/v1/inference/tags", "/predict", "/info"} <= set(paths)


def test_readiness_goes_first(served):
    """A server that stops while requests are still sent to it loses them."""
    served.readiness.draining = True
    try:
        assert served.client.get("/health/ready").status_code == 503
        assert served.client.get("/health/live").status_code == 200
        _post(served, "/models/tags", {"inputs": TEXT})
    finally:
        served.readiness.draining = False


def _lines(caplog, asked):
    """Of these requests: a line is written after its answer has left, that of an earlier test's perhaps in this one."""
    lines = [json.loads(record.message) for record in caplog.records if record.name == "limbeck.serve"]
    return [line for line in lines if line["request_id"] in asked]


def test_every_answer_can_be_traced(served, caplog):
    """A user's complaint without a number is looked for by hand; a log with users' texts must be kept like them."""
    with caplog.at_level("INFO", "limbeck.serve"):
        response = served.client.post("/models/tags", json={"inputs": TEXT}, headers={"x-request-id": "mine-1"})
        other = served.client.post("/models/tags", json={"inputs": 1}, headers={"x-request-id": "a b"})
        asked = [each.headers["x-request-id"] for each in (response, other, served.client.get("/secret-path"))]
        give_up = time.monotonic() + 30
        while len(lines := _lines(caplog, asked)) < 3 and time.monotonic() < give_up:
            time.sleep(0.01)
    assert response.headers["x-request-id"] == "mine-1"
    assert float(response.headers["x-compute-ms"]) <= float(response.headers["x-total-ms"])
    assert int(response.headers["x-tokens"]) > 10
    assert len(other.headers["x-request-id"]) == 32
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/models/tags", 200),
        ("/models/tags", 422),
        ("unknown", 404),
    ]
    assert lines[0]["request_id"] == "mine-1"
    assert "Astrid" not in caplog.text
    assert "secret-path" not in caplog.text
