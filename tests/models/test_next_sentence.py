from dataclasses import replace

import pytest
import torch
import transformers

from limbeck.errors import ModelError
from limbeck.models.counting import count
from limbeck.models.families import encoder_of
from limbeck.models.heads import described, fills_masks, has_mlm_head, has_next_sentence_head, with_mlm_head
from limbeck.models.loading import load_model
from limbeck.models.next_sentence import next_sentence_config, with_next_sentence_head
from limbeck.models.observing import observe
from limbeck.models.surgery import keep_layers
from limbeck.models.vocabulary import keep_tokens
from limbeck.signals import Batch, Needs

BOTH = Needs(logits="selected", pairs=True)
ALONE = ("AutoModelForPreTraining", "BertForNextSentencePrediction", "AutoModelForMaskedLM")
"""Classes that read one head or both out of the same folder."""


@pytest.fixture
def pairs(batch):
    """Two pairs of texts, the second padded, three tokens masked."""
    types = torch.zeros_like(batch["input_ids"])
    types[0, 6:], types[1, 4:7] = 1, 1
    labels = torch.full_like(types, -100)
    labels[0, 2], labels[0, 7], labels[1, 1] = 5, 6, 7
    return Batch(**batch, labels=labels, token_types=types, pair_labels=torch.tensor([0, 1]))


def _plain(model, pairs):
    """What transformers itself gives, with one head or with both."""
    with torch.no_grad():
        return model(pairs.input_ids, pairs.attention_mask, token_type_ids=pairs.token_types)


def test_a_student_of_all_layers_judges_and_fills_as_its_teacher(make, pairs, tmp_path):
    """The published Swedish model is used raw for both; a student that lost either would be a lesser model."""
    teacher = make("bert", "ForPreTraining")
    teacher.save_pretrained(tmp_path / "teacher")
    student = keep_layers(load_model(str(tmp_path / "teacher")), [1, 2, 3, 4])
    student.save_pretrained(tmp_path / "student")
    expected = _plain(teacher, pairs)
    for name in ALONE:
        again, found = getattr(transformers, name).from_pretrained(tmp_path / "student", output_loading_info=True)
        assert not found["missing_keys"], name
        got = _plain(again.eval(), pairs)
        fills, judges = ("prediction_logits", "seq_relationship_logits") if len(got) == 2 else ("logits", "logits")
        if "Sentence" not in name:
            assert torch.equal(got[fills], expected.prediction_logits), name
        if "Masked" not in name:
            assert torch.equal(got[judges], expected.seq_relationship_logits), name


@pytest.mark.parametrize("head", ["ForPreTraining", "ForNextSentencePrediction"])
def test_fewer_layers_keep_the_heads(make, pairs, head, tmp_path):
    """A student saved without its pooler comes back with one made up at random."""
    student = keep_layers(make("bert", head), [1, 3])
    student.save_pretrained(tmp_path)
    again = load_model(str(tmp_path))
    assert type(again) is type(student)
    for got, expected in zip(_plain(again, pairs).values(), _plain(student, pairs).values(), strict=True):
        assert torch.equal(got, expected)
    assert count(again.config) == count(student)


def test_fewer_tokens_keep_both_heads(make, pairs):
    """Trimming comes before distilling: a head lost there is lost to the student."""
    model = make("bert", "ForPreTraining")
    kept = list(range(0, 50))
    inputs = replace(pairs, input_ids=pairs.input_ids.clamp(max=49))
    expected, found = _plain(model, inputs), _plain(keep_tokens(model, kept), inputs)
    assert torch.equal(found.prediction_logits, expected.prediction_logits[..., kept])
    assert torch.equal(found.seq_relationship_logits, expected.seq_relationship_logits)


def test_pair_logits_are_the_models_own(make, pairs):
    """A pair judged without its token types, or at another position, is judged by a model that nobody trained."""
    model = make("bert", "ForPreTraining")
    with torch.no_grad():
        found = observe(model, pairs, BOTH)
        everything = observe(model, pairs, Needs(logits="all", pairs=True))
    expected = _plain(model, pairs)
    torch.testing.assert_close(found.pair_logits, expected.seq_relationship_logits, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.logits, expected.prediction_logits[pairs.labels != -100], rtol=0, atol=1e-6)
    torch.testing.assert_close(everything.logits, expected.prediction_logits, rtol=0, atol=1e-6)
    alone = observe(make("bert", "ForNextSentencePrediction"), pairs, Needs(pairs=True))
    assert alone.pair_logits.shape == (2, 2)
    assert alone.logits is None


def test_what_nobody_reads_of_two_heads_never_runs(make, pairs):
    """The projection on a vocabulary is most of an update; a loss on pairs has no use for it."""
    model, rows = make("bert", "ForPreTraining"), []
    model.get_output_embeddings().register_forward_hook(lambda m, a, out: rows.append(out.shape[:-1].numel()))
    observe(model, pairs, BOTH)
    assert rows == [3]
    observe(model, pairs, Needs(pairs=True))
    assert rows == [3]
    handle = model.cls.seq_relationship.register_forward_hook(lambda m, a, out: rows.append(0))
    assert observe(model, pairs, Needs(logits="selected")).pair_logits is None
    assert rows == [3, 3]
    handle.remove()


@pytest.mark.parametrize("family", ["distilbert", "roberta", "modernbert"])
def test_a_family_of_one_token_type_reads_a_pair_as_one_text(make, pairs, family):
    """Token type 1 is no row of their tables: a teacher without it would end the training in an index error."""
    model = make(family)
    needs = Needs(hidden=frozenset({4}))
    untyped = Batch(pairs.input_ids, pairs.attention_mask)
    assert torch.equal(observe(model, pairs, needs).hidden[4], observe(model, untyped, needs).hidden[4])
    bert = make("bert")
    assert not torch.equal(observe(bert, pairs, needs).hidden[4], observe(bert, untyped, needs).hidden[4])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "BertForNextSentencePrediction"),
        ("ForTokenClassification", "BertForNextSentencePrediction"),
        ("ForMaskedLM", "BertForPreTraining"),
    ],
)
def test_a_new_head_is_put_on_what_is_there(make, pairs, before, after, tmp_path):
    """A masked-LM head that is lost, or made up beside a new next-sentence head, would no longer fill masks."""
    model = make("bert", before)
    made = with_next_sentence_head(model)
    assert type(made).__name__ == after
    assert next_sentence_config(described(model)).architectures == [after]
    assert {id(p) for p in encoder_of(model).parameters()} <= {id(p) for p in made.parameters()}
    if before == "ForMaskedLM":
        assert torch.equal(_plain(made, pairs).prediction_logits, _plain(model, pairs).logits)
        assert made.get_output_embeddings().weight is model.get_input_embeddings().weight
    again = with_next_sentence_head(make("bert", before))
    assert torch.equal(made.cls.seq_relationship.weight, again.cls.seq_relationship.weight)
    made.save_pretrained(tmp_path)
    assert torch.equal(_plain(load_model(str(tmp_path)), pairs)[0], _plain(made, pairs)[0])
    assert count(next_sentence_config(described(model))) == count(made)


def test_a_new_head_hands_its_gradient_on(make, pairs):
    """Zeros would leave the pooler without a gradient, and the audit would stop every such training."""
    model = with_next_sentence_head(make("bert", "ForMaskedLM"))
    observe(model, pairs, Needs(pairs=True)).pair_logits[:, 0].sum().backward()
    assert model.bert.pooler.dense.weight.grad.any()
    assert model.cls.seq_relationship.weight.grad.any()


def test_the_pooler_that_is_there_is_kept(make):
    """A sentence encoder's trained pooler is a better start than the identity."""
    model = make("bert")
    assert with_next_sentence_head(model).bert.pooler.dense.weight is model.pooler.dense.weight
    model.pooler = None
    assert torch.equal(with_next_sentence_head(model).bert.pooler.dense.weight, torch.eye(16))


def test_a_masked_lm_head_joins_a_next_sentence_head(make, pairs):
    """`pretrain` on a model that only judges pairs must not cost it that."""
    model = make("bert", "ForNextSentencePrediction")
    made = with_mlm_head(model)
    assert type(made).__name__ == "BertForPreTraining"
    assert has_mlm_head(made)
    assert has_next_sentence_head(made)
    assert torch.equal(_plain(made, pairs).seq_relationship_logits, _plain(model, pairs).logits)
    assert with_next_sentence_head(made) is made
    assert with_mlm_head(made) is made


def test_an_untied_decoder_stays_untied(make, pairs):
    """Tying a decoder that was trained apart replaces it by the embeddings."""
    model = make("bert", "ForMaskedLM", tie_word_embeddings=False)
    made = with_next_sentence_head(model)
    assert torch.equal(_plain(made, pairs).prediction_logits, _plain(model, pairs).logits)


@pytest.mark.parametrize("family", ["distilbert", "roberta", "xlm-roberta", "electra", "modernbert"])
def test_only_a_bert_gets_the_head(make, family):
    """Other families were never made to judge pairs; transformers has no class that could load the result."""
    with pytest.raises(ModelError, match=f'type "{family}" has no place for a next-sentence head.*or use a BERT'):
        with_next_sentence_head(make(family))


def test_a_model_without_the_head_is_refused(make, pairs):
    """Attribute errors do not say which model lacks what."""
    with pytest.raises(
        ModelError, match=r"BertForMaskedLM has no next-sentence head.*with_next_sentence_head in Python"
    ):
        observe(make("bert", "ForMaskedLM"), pairs, Needs(pairs=True))


def test_an_electra_of_that_name_fills_no_masks(make):
    """Its ForPreTraining tells replaced words from real ones: two scores that would be read as a vocabulary."""
    discriminator = make("electra", "ForPreTraining")
    assert not has_mlm_head(discriminator)
    assert not fills_masks(described(discriminator))
    assert fills_masks(described(make("bert", "ForPreTraining")))
