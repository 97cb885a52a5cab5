"""Whatever is sent: a sentence and a status below 500, soon."""

import gzip
import json
import socket
import time

import pytest
from serving_support import running

JSON = {"content-type": "application/json"}
WRONG = {
    "no JSON": (b"hello", 400, "is not JSON"),
    "nothing": (b"", 400, "is not JSON"),
    "half": (b'{"inputs": "a', 400, "is not JSON"),
    "more after it": (b'{"inputs": "a"} {}', 400, "is not JSON"),
    "NaN": (b'{"inputs": NaN}', 400, "NaN is no number"),
    "infinity": (b'{"inputs": -Infinity}', 400, "-Infinity is no number"),
    "a field twice": (b'{"inputs": "a", "inputs": "b"}', 400, "one of its fields twice"),
    "bad UTF-8": (b'{"inputs": "\xff\xfe"}', 400, "is not UTF-8"),
    "half a surrogate pair": (b'{"inputs": "\\ud800"}', 422, "half of a surrogate pair"),
    "depth": (b"[" * 100_000 + b"]" * 100_000, 400, "nested too deep"),
    "a deep input": (b'{"inputs": ' + b"[" * 500 + b"]" * 500 + b"}", 422, "should be a text"),
    "a huge number": (b'{"inputs": ' + b"9" * 10_000 + b"}", 400, "is not JSON"),
    "a large number": (b'{"inputs": "a", "parameters": {"stride": 99999999999999999999}}', 422, "parameters.stride"),
    "a list": (b"[]", 422, "should be an object"),
    "a number": (b"7", 422, "should be an object"),
    "nothing asked": (b"{}", 422, 'the field "inputs" is missing'),
    "an unknown field": (b'{"inputs": "a", "secret-name": 1}', 422, "a field that is not known; known: inputs"),
    "an unknown parameter": (
        b'{"inputs": "a", "parameters": {"strid": 1}}',
        422,
        'unknown field; did you mean "stride"',
    ),
    "a parameter of a wrong type": (b'{"inputs": "a", "parameters": {"stride": "secret-name"}}', 422, "valid integer"),
    "parameters that are none": (b'{"inputs": "a", "parameters": [1]}', 422, '"parameters" should be an object'),
    "an input of a wrong type": (b'{"inputs": 7}', 422, "should be a text; found a number"),
    "an empty list": (b'{"inputs": []}', 422, "an empty list"),
    "too many": (json.dumps({"inputs": ["a"] * 33}).encode(), 422, "limited to 32 inputs"),
    "too long": (json.dumps({"inputs": "a" * 100_001}).encode(), 413, "limited to 100,000 characters"),
    "too many windows": (json.dumps({"inputs": "a b " * 20_000}).encode(), 413, "limited to 128 windows"),
    "too large": (b'{"inputs": "' + b"a" * 2_000_000 + b'"}', 413, "limited to 2,000,000 bytes"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_body_that_says_nothing_is_refused(what, served):
    """A stack trace shows a stranger the inside of the server, and its user nothing."""
    body, status, sentence = WRONG[what]
    response = served.client.post("/models/tags", content=body, headers=JSON)
    assert (response.status_code, list(response.json())) == (status, ["error", "error_type"])
    assert sentence in response.json()["error"]
    assert "secret-name" not in response.text
    assert response.headers["x-request-id"]


ODD = {
    "nothing in it": "",
    "NUL": "a\0b",
    "emoji": "👩‍👩‍👧 in 🇸🇪 Malmö 👍🏽",
    "combining marks": "Zoe\u0308 in Go\u0308teborg",
    "right to left": "שלום Astrid עולם in Lund",
    "special tokens": "[CLS] [SEP] [PAD] [MASK] [UNK]",
    "white space": " \t\n\u200b\u00a0 ",
    "a long word": "x" * 5000,
    "markup": "<script>alert(1)</script>",
}


@pytest.mark.parametrize("what", ODD)
def test_odd_text_is_read_like_any_other(what, served):
    """Users write in all scripts, and offsets that count bytes mark half a letter."""
    text = ODD[what]
    said = served.client.post("/models/tags", json={"inputs": text, "parameters": {"ignore_labels": []}})
    assert said.status_code == 200
    for each in said.json():
        assert 0 <= each["start"] <= each["end"] <= len(text)
    asked = served.client.post("/models/asks", json={"inputs": {"question": "Who?", "context": text}})
    assert asked.status_code == (200 if text.strip() else 422)
    if asked.status_code == 200:
        answer = asked.json()
        assert text[answer["start"] : answer["end"]] == answer["answer"]


@pytest.mark.parametrize("name", ["sorts", "asks"])
def test_a_text_that_is_null_is_none(name, served):
    """A field that is there and says nothing was once looked up as if it did, and ended in a 500."""
    fields = {"sorts": {"text": None, "text_pair": None}, "asks": {"question": "Who?", "context": None}}
    response = served.client.post(f"/models/{name}", json={"inputs": [fields[name]]})
    assert response.status_code == 422
    assert "should be a text; found nothing" in response.json()["error"]


@pytest.mark.parametrize("text", ["", "no mask", "[MASK]" * 101])
def test_masks_are_counted(text, served):
    """A text without a mask has no word to find."""
    response = served.client.post("/models/fills", json={"inputs": text})
    assert response.status_code == 422
    assert "should have [MASK]" in response.json()["error"]
    assert len(served.client.post("/models/fills", json={"inputs": "[MASK] and [MASK]"}).json()) == 2


def test_headers_that_do_not_fit(served):
    """A body that is unpacked before it is measured can be a thousand times as large."""
    body = json.dumps({"inputs": "a"}).encode()
    for headers, status in [
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
        ({**JSON, "content-encoding": "gzip"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
    ]:
        content = gzip.compress(body) if "content-encoding" in headers else body
        assert served.client.post("/models/tags", content=content, headers=headers).status_code == status
    assert served.client.get("/models/tags").status_code == 405
    assert served.client.get("/models/tags").json()["error_type"] == "bad_request"
    for path in (
        "/models/none",
        "/models/../etc/passwd",
        "/models/%2e%2e/card",
        "/models/tags/card",
        "/models/%00/card",
    ):
        response = served.client.get(path)
        assert (response.status_code, response.json()["error_type"]) in ((404, "not_found"), (405, "bad_request"))


def _exchange(address, *parts, pause=0.0):
    """What a server answers to these bytes, sent one after the other."""
    with socket.create_connection(address, timeout=20) as line:
        for part in parts:
            line.sendall(part)
            time.sleep(pause)
        found = b""
        while chunk := line.recv(65536):
            found += chunk
            if b"\r\n\r\n" in found and (b'"error_type"' in found or b"Invalid" in found):
                break
    return found


HEAD = b"POST /models/tags HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def test_a_chunked_body_is_measured_as_it_comes(served):
    """A body without a length is as long as memory."""
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    said = _exchange(served.address, HEAD + b"transfer-encoding: chunked\r\n\r\n", *[chunk] * 40)
    assert said.startswith(b"HTTP/1.1 413")


def test_two_lengths_are_refused(served):
    """What one server reads as one request and the next as two lets strangers ask in another's name."""
    both = b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    assert _exchange(served.address, HEAD + both).startswith(b"HTTP/1.1 400")
    assert _exchange(served.address, b"\0\0\0 nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_slow_senders_are_let_go(models, monkeypatch):
    """A thousand clients that send a byte a minute hold a thousand connections."""
    from limbeck.runtime.serving import protocol

    monkeypatch.setattr(protocol, "SECONDS", 0.5)
    with running({"tags": models["tags"]}, body_seconds=0.5) as server:
        begin = time.monotonic()
        assert _exchange(server.address, b"POST /models/tags HTTP/1.1\r\nhost: x") == b""
        said = _exchange(server.address, HEAD + b"content-length: 20\r\n\r\n", b'{"inp')
        assert said.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begin < 10
        assert server.client.get("/health").status_code == 200


def test_a_request_that_is_cut_off_harms_nobody(served):
    """A client that crashes must not take the server with it."""
    for part in (b"", b'{"inputs": "a', b'{"inputs": "a"}'):
        with socket.create_connection(served.address) as line:
            line.sendall(HEAD + b"content-length: 15\r\n\r\n" + part)
    assert served.client.post("/models/tags", json={"inputs": "a"}).status_code == 200


def test_a_token_is_asked_for(models):
    """A server that is open to the network is open to everybody in it."""
    with running({"tags": models["tags"]}, tokens=("secret", "other")) as server:
        ask = {"json": {"inputs": "a"}}
        assert server.client.post("/models/tags", **ask).status_code == 401
        for given, status in [
            ("Bearer secret", 200),
            ("bearer other", 200),
            ("Bearer secre", 401),
            ("Basic secret", 401),
        ]:
            headers = {"authorization": given}
            assert server.client.post("/models/tags", **ask, headers=headers).status_code == status
        assert server.client.get("/metrics").status_code == 401
        assert server.client.get("/health/ready").status_code == 200
        refused = server.client.get("/info")
        assert refused.headers["www-authenticate"] == "Bearer"
        assert "secret" not in refused.text
