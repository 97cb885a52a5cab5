"""The official JavaScript client beside our server, and transformers.js beside our files, in Node."""

import json

import pytest
from serving_support import INPUTS

from node import SCRIPTS, node

pytestmark = pytest.mark.slow


def _node(script, *arguments):
    """What a script of ours printed, as JSON."""
    return json.loads(node(SCRIPTS / script, *arguments))


def _near(ours, theirs):
    """The same choices with the same scores."""
    for mine, other in zip(ours, theirs, strict=True):
        assert {name: mine[name] for name in other if name != "score"} == {
            k: v for k, v in other.items() if k != "score"
        }
        assert mine["score"] == pytest.approx(other["score"], abs=1e-4)


def test_the_javascript_client_works_unchanged(served):
    """The form that a client expects is in its code alone, and it throws where an answer has another."""
    said = _node("ask.mjs", served.url)
    expected = {name: served.models[name](given) for name, given in INPUTS.items()}
    _near([expected["asks"]], [said["asks"]])
    _near(served.models["tags"](INPUTS["tags"], ignore_labels=[]), said["tags"])
    _near(expected["sorts"], said["sorts"])
    _near(expected["fills"], said["fills"])


def test_transformers_js_reads_the_files(models):
    """A file that only Python reads cannot be shipped to a browser."""
    folder = models["fills"].folder.path
    said = _node("run.mjs", "fill-mask", folder.parent, folder.name, json.dumps(INPUTS["fills"]))
    ours = models["fills"](INPUTS["fills"])
    assert [each["token"] for each in said] == [each["token"] for each in ours]
    assert [each["score"] for each in said] == pytest.approx([each["score"] for each in ours], abs=1e-4)
    folder = models["sorts"].folder.path
    (best,) = _node("run.mjs", "text-classification", folder.parent, folder.name, json.dumps(INPUTS["sorts"]))
    _near(models["sorts"](INPUTS["sorts"], top_k=1), [best])
    folder = models["asks"].folder.path
    answer = _node("run.mjs", "question-answering", folder.parent, folder.name, json.dumps(INPUTS["asks"]))
    assert set(answer) == {"answer", "score"}
